/**
 * The lines of one picture on a terminal, and which of them are hidden if there is no room
 * for all. Pure.
 */
import { wrap, type Look } from "./look.js";

/** The lowest weight is hidden first, the highest never. */
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

/** At most this many lines, unless those of the highest weight are more. Of lines of one weight the
 * last ones stay. */
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

/** A line in place of each group of hidden lines. */
function without(frame: FrameLine[], out: Set<FrameLine>): string[] {
  const lines: string[] = [];
  let gap: string[] = [];
  const close = () => {
    // A single hidden line would take as much room as the line that replaces it.
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
