/**
 * The commands that are sh, as blocks: made of what they print for --help, which they
 * are asked for, so that page and help cannot differ.
 */
import { execFileSync } from "node:child_process";
import { packagePath } from "../../lib/host/package.js";
import { heading, item, paragraph, sentence, type Block } from "../../lib/help/blocks.js";
import { readHelp, type HelpText } from "../../lib/help/help-text.js";
import { marked, moreOf } from "./program-page.js";

export function usernetesHelp(...verb: string[]): HelpText {
  return ask("usernetes", [...verb, "--help"]);
}

/** The subcommands of flux-usernetes that are sh. */
export const SH_COMMANDS = ["kubeconfig", "once"] as const;

export function shCommandHelp(name: (typeof SH_COMMANDS)[number]): HelpText {
  return ask("flux-usernetes", [name, "--help"]);
}

function ask(command: string, args: string[]): HelpText {
  const env = { PATH: "/usr/bin:/bin", LC_ALL: "C.UTF-8" };
  return readHelp(execFileSync(packagePath("bin", command), args, { env, encoding: "utf8" }));
}

/** The verbs, by what the main help's usage lines name; `attr|env` are two. */
export function verbsOf({ usage }: HelpText): string[] {
  const words = usage.map((line) => /^usernetes ([a-z][a-z|-]*)/.exec(line)?.[1] ?? "");
  return words.flatMap((word) => word.split("|")).filter((word) => word !== "");
}

/** A synopsis, with what stands for something in capitals. */
export function synopsis(usage: string): string {
  const [, typed = "", rest = ""] = /^((?:[a-z][a-z|-]*\s?)+)(.*)$/.exec(usage) ?? [];
  const words = rest.replace(/[A-Z]{1,}\b/g, "*$&*").replace(/--[a-z-]+/g, "`$&`");
  return `\`${typed.trim()}\` ${words}`.trim();
}

/** The part of one verb's help. */
export function verbBlocks(name: string, help: HelpText): Block[] {
  return [
    heading(2, name),
    ...help.usage.map((usage) => paragraph(synopsis(usage))),
    ...moreOf({ ...help, exitCodes: undefined, examples: [] }),
    ...optionItems(help),
    ...moreOf({ ...help, prose: [] }),
  ];
}

export const optionItems = ({ options }: HelpText): Block[] =>
  options.map(({ term, description }) =>
    item(optionTerm(term), [paragraph(sentence(marked(description)))]),
  );

function optionTerm(term: string): string {
  const [names = "", value] = term.split(/ (?=[A-Z]+$)/);
  return `${names.replace(/-[\w-]+/g, "`$&`")}${value === undefined ? "" : ` *${value}*`}`;
}
