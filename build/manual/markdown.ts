/**
 * Reads the pages' prose (docs/man/*.md): the part of Markdown that they use.
 *
 *   # SECTION, ## Subsection    paragraphs     indented by four: as it is
 *   - `term`: its description, on one line or more that are indented
 *   {{name}}                    what is made from elsewhere goes here
 */
import { code, heading, item, paragraph, type Block } from "./blocks.js";

/** Throws an Error where a name has nothing to go there. */
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
