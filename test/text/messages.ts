/**
 * The texts that users and administrators can see, read out of the source: log lines, errors,
 * notes, reports. `npm run messages` prints them as a table, so that somebody can review all of
 * them at once. It is made from the source each time, so it is never out of date.
 *
 * TypeScript is parsed. In sh, Python and Lua, quoted strings are found line by line. A string is
 * a text if it has three words or more in a row. Help texts are left out, because the manual
 * pages have them.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { packagePath } from "../../lib/host/package.js";

export interface Message {
  /** Path from the package's root. */
  file: string;
  line: number;
  /** `{name}` replaces a value. */
  text: string;
}

const FOLDERS = ["lib", "plugin", "bin", "etc"];

/** Files that are not searched: help texts, and files that are not programs. */
const UNSEEN = /^lib\/help\/|\.(md|toml|service|bash|list)$|sudoers\.d/;

export function messages(): Message[] {
  return files().flatMap((file) => {
    const source = readFileSync(packagePath(file), "utf8");
    return file.endsWith(".ts") ? inTypeScript(file, source) : inScript(file, source);
  });
}

function files(): string[] {
  return FOLDERS.flatMap((folder) =>
    readdirSync(packagePath(folder), { recursive: true }).map((it) => join(folder, String(it))),
  )
    .filter((file) => !UNSEEN.test(file) && statSync(packagePath(file)).isFile())
    .sort();
}

const isText = (text: string): boolean =>
  /[A-Za-z}>)"'`,:]\s+[a-z]{2,}[ ,:;].*[a-z]{2,}/.test(text);

export function inTypeScript(file: string, source: string): Message[] {
  const tree = ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true);
  const found: Message[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isTypeNode(node) || ts.isImportDeclaration(node) || isHelp(node)) return;
    const text = textOf(node);
    if (text === undefined || !isText(text)) {
      ts.forEachChild(node, visit);
      return;
    }
    const { line } = tree.getLineAndCharacterOfPosition(node.getStart());
    found.push({ file, line: line + 1, text });
    if (ts.isTemplateExpression(node))
      for (const span of node.templateSpans) visit(span.expression);
  };
  visit(tree);
  return found;
}

/** `new HelpedCommand({...})` */
const isHelp = (node: ts.Node): boolean =>
  ts.isNewExpression(node) && node.expression.getText() === "HelpedCommand";

function textOf(node: ts.Node): string | undefined {
  if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) return node.text;
  if (!ts.isTemplateExpression(node)) return undefined;
  return node.templateSpans.reduce(
    (text, { expression, literal }) => `${text}{${nameOf(expression)}}${literal.text}`,
    node.head.text,
  );
}

/** A short name of a value: the last identifier of an expression like `config.hold`. */
const nameOf = (expression: ts.Expression): string =>
  /([A-Za-z_]\w*)(\(.*)?$/s.exec(expression.getText())?.[1] ?? "value";

const QUOTED = /"((?:[^"\\]|\\.)*)"|'([^']*)'/g;

/** Removes the docstrings of Python, and keeps the numbers of the lines. */
const withoutDocstrings = (source: string): string =>
  source.replace(/^[ \t]*"""[^]*?"""/gm, (text) => text.replace(/[^\n]/g, ""));

export function inScript(file: string, source: string): Message[] {
  const comment = file.endsWith(".lua") ? /^\s*--/ : /^\s*#/;
  const text = file.endsWith(".py") ? withoutDocstrings(source) : source;
  return text.split("\n").flatMap((text, index) => {
    if (comment.test(text)) return [];
    return [...text.matchAll(QUOTED)]
      .map(([, double, single]) => (double ?? single ?? "").replace(/\\"/g, '"'))
      .filter((it) => isText(it) && !isProgram(it))
      .map((it) => ({ file, line: index + 1, text: it }));
  });
}

/** Whether a string is an expression of sed, awk or jq, or a command, and not a message. */
const isProgram = (text: string): boolean =>
  /[{}]\s*$|^s\/|\$\(|\.\*|=>|\|\||&&|^\[|\bprint\b/.test(text);
