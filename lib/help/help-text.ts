/**
 * Reads the help text of a command, whichever printed it: what commander prints after
 * the options (lib/cli), and what the front ends print (bin, lib/node/by_hand_options.py).
 *
 * Its form: parts with an empty line between them. A part is a paragraph, or it begins
 * with a title of its own (`Usage: ...`, `Exit codes: ...`) or on a line of its own
 * (`Options:`, `Examples:`), and then its lines are indented.
 */
import { code, item, paragraph, sentence, type Block } from "./blocks.js";

export interface HelpText {
  /** `usernetes down [--workdir DIR]` */
  usage: string[];
  /** Paragraphs and tables. */
  prose: Block[];
  options: Entry[];
  /** `0 done, 1 ...` */
  exitCodes: string | undefined;
  /** Lines; an empty one between examples that have one. */
  examples: string[];
}

/** A line of a table, like that of an option. */
export interface Entry {
  term: string;
  description: string;
}

export function readHelp(text: string): HelpText {
  const help: HelpText = {
    usage: [],
    prose: [],
    options: [],
    exitCodes: undefined,
    examples: [],
  };
  let inExamples = false;
  for (const part of partsOf(text)) {
    const { title, lines } = titled(part);
    inExamples = /^Examples?$/.test(title) || (inExamples && title === "" && isIndented(lines));
    if (inExamples) help.examples.push(...(help.examples.length ? [""] : []), ...dedent(lines));
    else if (title === "Usage") help.usage.push(...dedent(lines));
    else if (title === "Options") help.options.push(...(tableOf(lines) ?? []));
    else if (title === "Exit codes") help.exitCodes = joined(lines);
    else help.prose.push(...proseOf(title, lines));
  }
  return help;
}

/** Lines without what is empty at their ends, by the empty lines between them. */
export function partsOf(text: string): string[][] {
  return text
    .split(/\n[ ]*\n/)
    .map((part) => part.split("\n").filter((line) => line.trim() !== ""))
    .filter((lines) => lines.length > 0);
}

export const isIndented = (lines: string[]): boolean =>
  lines.every((line) => line.startsWith("  "));

function titled(lines: string[]): { title: string; lines: string[] } {
  const [first = "", ...rest] = lines;
  const heading = /^([A-Z][^:]*):$/.exec(first);
  if (heading) return { title: heading[1] ?? "", lines: rest };
  const [, title, words] = /^(Usage|Exit codes): (.*)$/.exec(first) ?? [];
  if (title === undefined) return { title: "", lines };
  return { title, lines: [words ?? "", ...rest] };
}

function proseOf(title: string, lines: string[]): Block[] {
  const entries = isIndented(lines) ? tableOf(lines) : undefined;
  const above = title === "" ? [] : [paragraph(`${title}:`)];
  if (entries)
    return [
      ...above,
      ...entries.map(({ term, description }) =>
        item(`\`${term}\``, [paragraph(sentence(description))]),
      ),
    ];
  if (title !== "") return [...above, code(dedent(lines))];
  return [paragraph(joined(lines))];
}

/** Two columns, with two spaces or more between them; undefined if it is not a table. */
function tableOf(lines: string[]): Entry[] | undefined {
  const entries: Entry[] = [];
  for (const line of lines) {
    const [, term, description] = /^ {2,4}(\S.*?) {2,}(\S.*)$/.exec(line) ?? [];
    const last = entries.at(-1);
    if (term !== undefined) entries.push({ term, description: description ?? "" });
    else if (last && /^ {6}/.test(line)) last.description += ` ${line.trim()}`;
    else return undefined;
  }
  return entries;
}

const joined = (lines: string[]): string => lines.map((line) => line.trim()).join(" ");

function dedent(lines: string[]): string[] {
  const indents = lines.map((line) => /^ */.exec(line)?.[0].length ?? 0);
  const indented = indents.filter((indent) => indent > 0);
  const common = indented.length === 0 ? 0 : Math.min(...indented);
  return lines.map((line) => (line.startsWith(" ") ? line.slice(common) : line));
}
