/** Draws over what was drawn before, on a terminal. */
import { fitted, type FrameLine } from "./frame.js";

export interface Terminal {
  write(text: string): unknown;
  rows?: number;
}

const UP = (lines: number) => (lines > 0 ? `\u001b[${lines}A` : "");
const CLEAR_LINE = "\u001b[K";
const CLEAR_BELOW = "\u001b[J";

/**
 * Lines must be no wider than the terminal. Of what does not fit into its height the least
 * is hidden, except in the last frame, which is complete: nothing is drawn over it.
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
