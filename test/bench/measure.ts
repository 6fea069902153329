/** Measures a number several times, and computes the median and the spread of the values. */

export interface Row {
  /** The thing that was measured. */
  name: string;
  unit: string;
  /** One value for each run. */
  values: number[];
  /** The reference of the same run to which the values are compared. */
  against: string;
  /** The limit for the median. With `always`, each value must keep it. */
  target?: { most: number } | { least: number; always?: true };
}

export interface Spread {
  median: number;
  low: number;
  high: number;
}

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number => {
    const place = (sorted.length - 1) * share;
    const below = sorted[Math.floor(place)] ?? NaN;
    const above = sorted[Math.ceil(place)] ?? NaN;
    return below + (above - below) * (place % 1);
  };
  return { median: at(0.5), low: at(0), high: at(1) };
}

/** Returns whether the target is met, or undefined if the row has no target. */
export function isMet({ values, target }: Row): boolean | undefined {
  if (!target) return undefined;
  const { median, low } = spread(values);
  if ("most" in target) return median <= target.most;
  return (target.always ? low : median) >= target.least;
}

/** Calls `act` `count` times, one call after the other, and returns the results in order. */
export async function repeat<T>(count: number, act: (round: number) => Promise<T>): Promise<T[]> {
  const all: T[] = [];
  for (let round = 0; round < count; round++) all.push(await act(round));
  return all;
}
