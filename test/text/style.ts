/**
 * The style of the project's text: words and phrases to avoid, with what to write instead. The
 * style applies to documents (without their code blocks), to comments, to test titles and to the
 * messages that users see.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { packagePath } from "../../lib/host/package.js";
import { messages } from "./messages.js";

export interface Place {
  file: string;
  line: number;
  text: string;
}

/** The patterns to avoid, and what to write instead of each. */
const STYLE: [RegExp, string][] = [
  [/\b(told|tells?|telling)\b/i, "report, print, list, notify, receive"],
  [/\b(said|says|saying)\b/i, "print, log, report, define, describe"],
  [/\bmend(s|ed|ing)?\b/i, "fix, repair"],
  [/\bbegun\b/i, "started"],
  [/\balike\b/i, "identical, the same way, both"],
  [/\banew\b/i, "again, new"],
  [/\b(taken up|(goes|gone) on)\b/i, "resumed, resumes, continues"],
  [/\bin the way\b/i, "already exists, conflicts with"],
  [/\b(is|are) none\b/i, "is not a valid ..."],
  [/\bwhat is left\b/i, "leftovers, the remaining ..."],
  [/\b(of|to) ours\b/i, "the daemon's, the package's"],
  [/\bby any end\b/i, "however it ends"],
  [/\b(a|one) look\b/i, "a check, a query"],
];

export interface Fault extends Place {
  found: string;
  instead: string;
}

/** The faults in a text. */
export function faultsIn({ file, line, text }: Place): Fault[] {
  return STYLE.flatMap(([pattern, instead]) => {
    const found = pattern.exec(text)?.[0];
    return found === undefined ? [] : [{ file, line, text: text.trim(), found, instead }];
  });
}

/** The lines of a document that are neither code blocks nor screens. */
export function proseOf(file: string, text: string): Place[] {
  return text
    .split("\n")
    .map((line, index) => ({ file, line: index + 1, text: line.replace(/`[^`]*`/g, "") }))
    .filter(({ text }) => !text.startsWith("    "));
}

/** The lines of a program that are comments. */
export function commentsOf(file: string, text: string): Place[] {
  const comment = file.endsWith(".ts")
    ? /^\s*(?:\/\*\*?|\*|\/\/) ?(.*)|\s\/\/ (.*)$/
    : file.endsWith(".lua")
      ? /^\s*-- ?(.*)/
      : /^\s*# ?(.*)/;
  return text.split("\n").flatMap((line, index) => {
    const [, whole, beside] = comment.exec(line) ?? [];
    const found = whole ?? beside;
    return found === undefined ? [] : [{ file, line: index + 1, text: found }];
  });
}

export const filesBelow = (folder: string): string[] =>
  readdirSync(packagePath(folder), { recursive: true })
    .map((it) => join(folder, String(it)))
    .filter((it) => statSync(packagePath(it)).isFile());

export const prose = (files: string[]): Place[] =>
  files.flatMap((file) => proseOf(file, readFileSync(packagePath(file), "utf8")));

const programs = (): string[] => ["bin", "build", "etc", "lib", "plugin"].flatMap(filesBelow);

const testPrograms = (): string[] =>
  filesBelow("test").filter((file) => /\.(ts|py|sh|lua)$|\/[^.]+$/.test(file));

export const comments = (): Place[] =>
  [...programs(), ...testPrograms()].flatMap((file) =>
    commentsOf(file, readFileSync(packagePath(file), "utf8")),
  );

/** The programs and tests that do not open with a comment. */
export const withoutPurpose = (): string[] =>
  [...programs(), ...testPrograms()]
    .filter((file) => /\.(ts|py|sh)$/.test(file))
    .filter((file) => !/^(#!.*\n)?(\/\*\*|"""|#)/.test(readFileSync(packagePath(file), "utf8")));

export const texts = (): Place[] => messages();
