/**
 * What is drawn at once on a terminal, and what of it is left out where there is not room
 * for all. Pure.
 */
import { wrap, type Look } from "./look.js";

/** The least is left out first, what was said never. */
export const WEIGHT = { done: 0, fact: 1, state: 2, printed: 3, said: 4 };

export interface FrameLine {
  text: string;
  weight: number;
}

export const weighed = (lines: string[], weight: number): FrameLine[] =>
  lines.map((text) => ({ text, weight }));

/** No wider than the terminal. The first and the last of it say what it is about. */
export function wrapped(line: string, weight: number, look: Look): FrameLine[] {
  return wrap(line, look).map((text, index, { length }) => {
    const isWithin = index > 0 && index < length - 1;
    return { text, weight: isWithin ? Math.min(weight, WEIGHT.fact) : weight };
  });
}

/** In so many lines, if what was said is no more. Of lines of a weight the last ones stay. */
export function fitted(frame: FrameLine[], room: number): string[] {
  const out = new Set<FrameLine>();
  let lines = without(frame, out);
  for (const line of frame.toSorted((a, b) => a.weight - b.weight)) {
    if (lines.length <= room || line.weight === WEIGHT.said) break;
    out.add(line);
    lines = without(frame, out);
  }
  return lines;
}

/** A line in the place of those that are left out together. */
function without(frame: FrameLine[], out: Set<FrameLine>): string[] {
  const lines: string[] = [];
  let gap: string[] = [];
  const close = () => {
    // One alone has as much room as what would tell of it.
    lines.push(...(gap.length > 1 ? [`(${gap.length} lines hidden)`] : gap));
    gap = [];
  };
  for (const line of frame)
    if (out.has(line)) gap.push(line.text);
    else {
      close();
      lines.push(line.text);
    }
  close();
  return lines;
}
