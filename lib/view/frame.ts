/**
 * The lines of one picture on a terminal, and which of them are hidden if there is no room
 * for all. Pure.
 */
import { wrap, type Look } from "./terminal.js";

/** The lowest weight is hidden first, the highest never. */
export const WEIGHT = { done: 0, fact: 1, state: 2, printed: 3, headline: 4 };

export interface FrameLine {
  text: string;
  weight: number;
}

export const weighed = (lines: string[], weight: number): FrameLine[] =>
  lines.map((text) => ({ text, weight }));

/** No wider than the terminal. Its first and last lines describe it. */
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
  let lines = omitLines(frame, out);
  for (const line of frame.toSorted((a, b) => a.weight - b.weight)) {
    if (lines.length <= room || line.weight === WEIGHT.headline) break;
    out.add(line);
    lines = omitLines(frame, out);
  }
  return lines;
}

/** A line in place of each group of hidden lines. */
function omitLines(frame: FrameLine[], out: Set<FrameLine>): string[] {
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

export interface Terminal {
  write(text: string): unknown;
  rows?: number;
}

const UP = (lines: number) => (lines > 0 ? `\u001b[${lines}A` : "");
const CLEAR_LINE = "\u001b[K";
const CLEAR_BELOW = "\u001b[J";

/**
 * Lines must be no wider than the terminal. If they do not fit into its height, as few as
 * possible are hidden, except in the last frame, which is complete: nothing is drawn over it.
 */
export function redrawer(terminal: Terminal): (frame: FrameLine[], isLast?: boolean) => void {
  let drawn = 0;
  return (frame, isLast = false) => {
    // A terminal that does not report its size has no rows.
    const room = isLast ? Infinity : Math.max(1, (terminal.rows || Infinity) - 1);
    const shown = fitted(frame, room).slice(0, room);
    const text = shown.map((line) => `${line}${CLEAR_LINE}\n`).join("");
    terminal.write(`\r${UP(drawn)}${text}${CLEAR_BELOW}`);
    drawn = shown.length;
  };
}
