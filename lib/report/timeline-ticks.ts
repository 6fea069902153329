/** The numbers of a time axis. */

const ROUND = [
  ...[0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30],
  ...[60, 120, 300, 600, 1200, 1800],
];

/** A round number of seconds, so that there are at most so many steps in the length. */
export function tickStep(length: number, most: number): number {
  const least = length / most;
  return ROUND.find((step) => step >= least) ?? Math.ceil(least / 3600) * 3600;
}
