/**
 * A command's help as wide as the terminal: commander fills what it makes itself, this
 * the rest; and without the `ƒ` of job ids where the locale has none.
 */
import { isIndented, partsOf } from "./help-text.js";
import type { Look } from "../view/terminal.js";

/** As commander has it where there is no terminal. */
const WIDTH = 80;

/** Columns that the words of an option are wrapped into; commander's own 40 are too many for 60. */
export const NARROWEST = 20;

/** Paragraphs are filled; tables, examples and what is indented stay as they are. */
export function filled(text: string, { width, wide }: Pick<Look, "width" | "wide">): string {
  const columns = width === Infinity ? WIDTH : width;
  const parts = partsOf(text).map((part) => (isTable(part) ? part : fill(part, columns)));
  const all = parts.map((part) => part.join("\n")).join("\n\n");
  const above = text.startsWith("\n") ? "\n" : "";
  return `${above}${wide ? all : all.replaceAll("ƒ", "f")}\n`;
}

function isTable(part: string[]): boolean {
  const [first, ...rest] = part;
  return isIndented(part) || (rest.length > 0 && isIndented(rest) && first?.endsWith(":") === true);
}

function fill(part: string[], columns: number): string[] {
  const lines: string[] = [];
  for (const word of part.join(" ").split(/\s+/)) {
    const line = lines.at(-1);
    const longer = `${line ?? ""} ${word}`;
    if (line !== undefined && longer.length <= columns) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}
