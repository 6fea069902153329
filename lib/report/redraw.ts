/** Draws over what was drawn before, on a terminal. */

export interface Terminal {
  write(text: string): unknown;
  rows?: number;
}

const UP = (lines: number) => (lines > 0 ? `\u001b[${lines}A` : "");
const CLEAR_LINE = "\u001b[K";
const CLEAR_BELOW = "\u001b[J";

/** Lines must be no wider than the terminal. What does not fit into its height is left out. */
export function redrawer(terminal: Terminal): (lines: string[]) => void {
  let drawn = 0;
  return (lines) => {
    const room = Math.max(1, (terminal.rows ?? Infinity) - 1);
    const shown = lines.slice(0, room);
    const text = shown.map((line) => `${line}${CLEAR_LINE}\n`).join("");
    terminal.write(`\r${UP(drawn)}${text}${CLEAR_BELOW}`);
    drawn = shown.length;
  };
}
