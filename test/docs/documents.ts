/** The documents, and what can be checked in them: code blocks and commands. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "smol-toml";
import { schema } from "../../lib/config/schema.js";
import { packagePath } from "../../lib/host/package.js";

const KEYS = Object.keys(schema.properties);

/** Paths of all Markdown files, from the package's root. */
export const documents = (): string[] =>
  [
    ...readdirSync(packagePath()),
    ...readdirSync(packagePath("docs"), { recursive: true }).map((it) => join("docs", String(it))),
  ].filter((it) => it.endsWith(".md"));

export const readDocument = (file: string): string => readFileSync(packagePath(file), "utf8");

/** The indented blocks, without their indentation. */
export function codeBlocks(text: string): string[] {
  const blocks: string[][] = [];
  let isOpen = false;
  for (const line of text.split("\n")) {
    const code = /^(?: {4}|\t)(.*)$/.exec(line)?.[1];
    if (code !== undefined && isOpen) blocks.at(-1)?.push(code);
    else if (code !== undefined && code.trim() !== "") blocks.push([code]);
    if (code === undefined && line.trim() === "" && isOpen) blocks.at(-1)?.push("");
    else isOpen = code !== undefined;
  }
  return blocks.map((lines) => lines.join("\n").trimEnd());
}

const HOOK = /^(before-up|after-ready|before-down) = /;

/** The tables `[usernetes]` in the code blocks of a text, also of blocks without a heading. */
export function tablesIn(text: string): Record<string, unknown>[] {
  return codeBlocks(text).flatMap((block) => {
    const isHeaded = /^\[usernetes[.\]]/m.test(block);
    const [key = ""] = /^[a-z-]+(?= = )/.exec(block) ?? [];
    const isHook = HOOK.test(block);
    if (!isHeaded && !isHook && !KEYS.includes(key)) return [];
    const heading = isHeaded ? "" : isHook ? "[usernetes.hooks]\n" : "[usernetes]\n";
    const whole = parse(heading + block) as { usernetes: Record<string, unknown> };
    return [whole.usernetes];
  });
}

/** A call of one of the commands in a document: `["flux-usernetes", "list", "-a"]`. */
export type Call = [command: string, ...words: string[]];

const START = /(?<![\w./-])(flux[ -]usernetes|usernetes)(?= +[a-z-])/g;

/**
 * The calls in a text: those in blocks that are commands (`$ ` before them, or no output in the
 * block), and those in backquotes. A call ends where the shell ends it.
 */
export function callsIn(text: string): Call[] {
  const blocks = codeBlocks(text).flatMap((block) => {
    const lines = block.replace(/ *\\\n\s*/g, " ").split("\n");
    const prompted = lines.filter((line) => line.startsWith("$ "));
    return prompted.length > 0 ? prompted.map((line) => line.slice(2)) : lines;
  });
  const quoted = [...text.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code.replace(/\s+/g, " "));
  return [...blocks, ...quoted].flatMap(callsOf);
}

function callsOf(line: string): Call[] {
  return [...line.matchAll(START)].flatMap(({ 0: name, index }): Call[] => {
    // Not a call: prose, a path, a log line, an option's value, or a name as in `--usernetes`.
    if (/[\w=:"[-] ?$/.test(line.slice(0, index)) && !isCommandBefore(line.slice(0, index)))
      return [];
    const rest = line.slice(index + name.length).split(/[|&;)<>#"'`]|\$\(/)[0] ?? "";
    const words = rest.trim().split(/\s+/);
    return [[name.replace(" ", "-"), ...words]];
  });
}

/** Whether the text before a command ends with one that runs other commands, as `timeout 5`. */
const isCommandBefore = (before: string): boolean =>
  /(\bflux (?:exec|run|submit)|\btimeout|\bonce --|\btrap '?|&&|\|)( -\S+( [\d-]+)?| --\S+)* $/.test(
    before,
  );
