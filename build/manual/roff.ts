/**
 * Formats blocks as man(7), for both man-db and mandoc.
 *
 * Promises: every character of the text appears on the page unchanged; no line of the text is
 * interpreted as a request.
 */
import type { Block } from "./blocks.js";

export interface PageTitle {
  name: string;
  section: number;
  /** YYYY-MM-DD */
  date: string;
  /** The package and its version. */
  source: string;
  manual: string;
}

export function roffOf(title: PageTitle, blocks: Block[]): string {
  const { name, section, date, source, manual } = title;
  const words = [argument(name.toUpperCase()), section, date, argument(source), argument(manual)];
  const lines = [
    `.\\" Made by flux-usernetes' build; changes are lost.`,
    `.TH ${words.join(" ")}`,
    // No hyphenation and ragged right, as on Flux's pages.
    ".nh",
    ".ad l",
    // One space between sentences.
    ".ss 12 0",
    ...bodyOf(blocks),
  ];
  return `${lines.join("\n")}\n`;
}

function bodyOf(blocks: Block[]): string[] {
  return blocks.flatMap((block, index) => linesOf(block, blocks[index - 1]));
}

/** `before`: the previous block of the same body. */
function linesOf(block: Block, before: Block | undefined): string[] {
  // The first block follows a term, and a block after a heading needs no further space.
  const space = !before || before.kind === "heading" ? [] : [".PP"];
  switch (block.kind) {
    case "heading":
      return [`${block.level === 1 ? ".SH" : ".SS"} ${argument(block.text)}`];
    case "text":
      return [...space, ...filled(block.text)];
    case "lines":
      return [
        ...space,
        ...block.texts.flatMap((text, index) => [...(index > 0 ? [".br"] : []), ...filled(text)]),
      ];
    case "code":
      return [
        ...space,
        ".RS 4",
        ".nf",
        ...block.lines.map((text) => line(escape(text))),
        ".fi",
        ".RE",
      ];
    case "item":
      return [".TP", line(inline(block.term)), ...inItem(block.body)];
  }
}

/**
 * Formats the body of an item. The first paragraph is beside or below the term, and the rest has
 * the same indentation.
 */
function inItem([first, ...rest]: Block[]): string[] {
  if (first?.kind !== "text") throw new Error("an item's body begins with no text");
  if (rest.length === 0) return filled(first.text);
  return [
    ...filled(first.text),
    ".RS",
    ...rest.flatMap((block, index) => linesOf(block, rest[index - 1] ?? first)),
    ".RE",
  ];
}

/**
 * Starts each sentence on a new line, so that formatters recognize its end, and keeps lines short.
 */
function filled(text: string): string[] {
  const lines: string[] = [];
  let ended = true;
  for (const word of inline(text).split(" ")) {
    const longer = `${lines.at(-1) ?? ""} ${word}`;
    if (ended || longer.length > SOURCE_WIDTH) lines.push(word);
    else lines[lines.length - 1] = longer;
    ended = /[.!?](\\fR)?$/.test(word);
  }
  return lines.map(line);
}

/** Maximum width of a line of the page's source: mandoc warns about longer lines. */
const SOURCE_WIDTH = 78;

/** Typed words, emphasis, placeholders, and the names of other pages. */
const MARKS =
  /`([^`]+)`|\*\*([^*]+)\*\*|(?<!\w)\*([^*\s][^*]*)\*|(?<![\w-])([a-z][a-z-]*)(?=\([1-8]\))/g;

function inline(text: string): string {
  let out = "";
  let end = 0;
  for (const found of text.matchAll(MARKS)) {
    const [all, typed, stressed, other, page] = found;
    const words = typed ?? stressed ?? other ?? page ?? "";
    const font = other === undefined ? "B" : "I";
    out += `${escape(text.slice(end, found.index))}\\f${font}${escape(words)}\\fR`;
    end = found.index + all.length;
  }
  return out + escape(text.slice(end));
}

const ESCAPES: Record<string, string> = {
  "\\": "\\e",
  "-": "\\-",
  "'": "\\(aq",
  "`": "\\(ga",
  "^": "\\(ha",
  "~": "\\(ti",
  // A roff without this letter prints f, as on Flux's pages.
  ƒ: "\\(Fn",
};

const escape = (text: string): string => text.replace(/[\\\-'`^~ƒ]/g, (it) => ESCAPES[it] ?? it);

/** Protects a line of text: a dot at its start would be a request, and a space a break. */
const line = (text: string): string => (/^[. ]/.test(text) ? `\\&${text}` : text);

const argument = (text: string): string => `"${escape(text).replaceAll('"', "\\(dq")}"`;
