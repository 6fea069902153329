/**
 * Parses the prose of the manual pages (docs/man/*.md), which use a part of Markdown:
 *
 *   # SECTION, ## Subsection    headings
 *   four spaces                 text that is printed unchanged
 *   - `term`: description       an item; further lines of its description are indented
 *   {{name}}                    a part that is generated elsewhere
 *
 * Any other text is a paragraph.
 */
import { code, heading, item, paragraph, type Block } from "./blocks.js";

/** Parses a page. Throws an Error if `made` has no part for a name. */
export function readMarkdown(text: string, made: Record<string, Block[]>): Block[] {
  const blocks: Block[] = [];
  for (const part of parts(text)) {
    const [first = "", ...rest] = part;
    const [, marks, title] = /^(#{1,2}) (.*)$/.exec(first) ?? [];
    const name = /^\{\{(.*)\}\}$/.exec(first)?.[1];
    const last = blocks.at(-1);
    if (marks !== undefined) {
      blocks.push(heading(marks.length === 1 ? 1 : 2, title ?? ""));
      if (rest.length > 0) throw new Error(`"${first}": an empty line is missing below it`);
    } else if (name !== undefined) {
      const found = made[name];
      if (!found) throw new Error(`{{${name}}}: found no such part`);
      blocks.push(...found);
    } else if (first.startsWith("    ")) {
      const lines = part.map((line) => line.slice(4));
      if (last?.kind === "code") last.lines.push("", ...lines);
      else blocks.push(code(lines));
    } else if (first.startsWith("- ")) blocks.push(...itemsOf(part));
    else blocks.push(paragraph(part.join(" ")));
  }
  return blocks;
}

const parts = (text: string): string[][] =>
  text
    .split(/\n{2,}/)
    .map((part) => part.split("\n").filter((line) => line !== ""))
    .filter((lines) => lines.length > 0);

function itemsOf(part: string[]): Block[] {
  const entries = part
    .join("\n")
    .split(/^- /m)
    .filter((entry) => entry !== "");
  return entries.map((entry) => {
    const [, term = "", words] = /^(.+?): ([^]*)$/.exec(entry.replace(/\n\s*/g, " ")) ?? [];
    if (words === undefined) throw new Error(`"${entry}": found no "term: "`);
    return item(term, [paragraph(words.trim())]);
  });
}
