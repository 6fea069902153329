/**
 * The lines of one frame on a terminal, and the choice of which are hidden if there is not enough
 * room for all of them. Pure, except that `redrawer` writes to the terminal.
 */
import { wrap, type Look } from "./terminal.js";

/**
 * Lines with the lowest weight are hidden first. `fitted` never hides lines with the highest
 * weight.
 */
export const WEIGHT = { done: 0, fact: 1, state: 2, printed: 3, headline: 4 };

export interface FrameLine {
  text: string;
  weight: number;
}

export const weighed = (lines: string[], weight: number): FrameLine[] =>
  lines.map((text) => ({ text, weight }));

/**
 * Wraps a line to the terminal's width. The first and the last part contain what matters most, so
 * the parts between them can be hidden earlier.
 */
export function wrapped(line: string, weight: number, look: Look): FrameLine[] {
  return wrap(line, look).map((text, index, { length }) => {
    const isWithin = index > 0 && index < length - 1;
    return { text, weight: isWithin ? Math.min(weight, WEIGHT.fact) : weight };
  });
}

/**
 * Hides lines until at most `room` remain, or only those with the highest weight (and the lines in
 * place of hidden ones). Among lines with the same weight, the last ones stay.
 */
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

/** Replaces each group of hidden lines by one line. */
function omitLines(frame: FrameLine[], out: Set<FrameLine>): string[] {
  const lines: string[] = [];
  let gap: string[] = [];
  const close = () => {
    // The line that replaces a single hidden line would take as much room.
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
 * Returns a function that draws a frame over the previous one. The lines must be no wider than the
 * terminal. If a frame does not fit into the terminal's height, the lines with the lowest weight
 * are hidden. The last frame is complete, because nothing is drawn over it.
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
