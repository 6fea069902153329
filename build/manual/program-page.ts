/** The commands of flux-usernetes as blocks of its page, from the commands themselves. */
import type { Argument, Command, Option } from "commander";
import { helpOf } from "../../lib/help/help-of.js";
import { code, heading, item, paragraph, sentence, type Block } from "../../lib/help/blocks.js";
import type { HelpText } from "../../lib/help/help-text.js";

/** `list [OPTIONS] [JOB...]`, for the synopsis: what is in it stands for something. */
export function usageOf(command: Command): string {
  const { options, registeredArguments: words } = command;
  return [
    `\`flux usernetes ${command.name()}\``,
    ...(options.length > 0 ? ["[*OPTIONS*]"] : []),
    ...words.map(argumentOf),
  ].join(" ");
}

export function commandBlocks(command: Command): Block[] {
  const help = helpOf(command);
  return [
    heading(2, command.name()),
    paragraph(usageOf(command)),
    paragraph(sentence(command.description())),
    ...command.registeredArguments
      .filter(({ description }) => description)
      .map((argument) => item(argumentOf(argument), [paragraph(sentence(argument.description))])),
    ...command.options.map((option) =>
      item(optionOf(option), [paragraph(sentence(wordsOf(option)))]),
    ),
    ...moreOf(help),
  ];
}

/** The part of a help text after its options. */
export function moreOf({ prose, exitCodes, examples }: HelpText): Block[] {
  return [
    ...prose.map((block) => (block.kind === "text" ? paragraph(marked(block.text)) : block)),
    ...(exitCodes === undefined ? [] : [paragraph(`Exit codes: ${exitCodes}`)]),
    ...(examples.length === 0 ? [] : [paragraph("For example:"), code(examples)]),
  ];
}

function argumentOf(argument: Argument): string {
  const word = `*${argument.name().toUpperCase()}*${argument.variadic ? "..." : ""}`;
  return argument.required ? word : `[${word}]`;
}

/** `-u`, `--user`=*USER*, as Flux's pages have it. */
export function optionOf({ short, long, flags, required, optional, variadic }: Option): string {
  const names = [short, long].filter((it) => it !== undefined).map((it) => `\`${it}\``);
  const value = /[<[]([^.>\]]+)/.exec(flags)?.[1];
  if (value === undefined || !(required || optional)) return names.join(", ");
  const word = `*${value.toUpperCase()}*${variadic ? "..." : ""}`;
  const between = variadic || !long ? " " : "=";
  return `${names.join(", ")}${optional ? `[${between}${word}]` : `${between}${word}`}`;
}

function wordsOf({ description, defaultValue, argChoices }: Option): string {
  const choices = argChoices ? `; one of ${argChoices.join(", ")}` : "";
  const value =
    Array.isArray(defaultValue) || typeof defaultValue === "boolean"
      ? undefined
      : String(defaultValue ?? "");
  return `${marked(description)}${choices}${value ? ` (default: \`${value}\`)` : ""}`;
}

/** Options stand out in help texts too, which have no marks. */
export function marked(text: string): string {
  return text
    .split(/(`[^`]*`)/)
    .map((part) =>
      part.startsWith("`") ? part : part.replace(/(?<![\w-])--?[a-zA-Z][\w-]*/g, "`$&`"),
    )
    .join("");
}
