/** Converts commands into blocks of their manual page. */
import type { Argument, Command, Option } from "commander";
import type { HelpedCommand } from "../../lib/help/command-help.js";
import { code, heading, item, paragraph, sentence, type Block } from "./blocks.js";

/** The lines of a synopsis. */
export function synopsisOf(program: HelpedCommand): Block {
  return { kind: "lines", texts: program.subcommands().map(usageOf) };
}

/** Returns `flux usernetes list [OPTIONS] [JOB...]`. Words in capitals are placeholders. */
function usageOf(command: HelpedCommand): string {
  const { options, registeredArguments: operands, parent } = command;
  // Root or a service manager starts these commands by the program's own name.
  const isOwnName = ["daemon", "install", "uninstall"].includes(command.name());
  const program = parent?.name() ?? "";
  const name = `\`${isOwnName ? program : program.replace("flux-", "flux ")} ${command.name()}\``;
  const { usage } = command.helpData;
  if (usage !== undefined) return `${name} ${marked(usage.replace(/\b[A-Z]+\b/g, "*$&*"))}`;
  return [
    name,
    ...(options.length > 0 ? ["[*OPTIONS*]"] : []),
    ...operands.map(nameOfArgument),
  ].join(" ");
}

/** The part of a page about one command. */
export function commandBlocks(command: HelpedCommand): Block[] {
  const exits = command.exitCodes();
  return [
    heading(2, command.name()),
    paragraph(usageOf(command)),
    paragraph(sentence(command.description())),
    ...command.registeredArguments.map((argument) =>
      item(nameOfArgument(argument), [paragraph(sentence(describe(argument)))]),
    ),
    ...optionItems(command),
    ...command.paragraphs().map((text) => paragraph(marked(text))),
    ...(exits === undefined ? [] : [paragraph(exits)]),
    paragraph("For example:"),
    code(command.examples()),
  ];
}

export function optionItems({ options }: Command): Block[] {
  return options.map((option) => item(optionOf(option), [paragraph(sentence(describe(option)))]));
}

function nameOfArgument(argument: Argument): string {
  const word = `*${argument.name().toUpperCase()}*${argument.variadic ? "..." : ""}`;
  return argument.required ? word : `[${word}]`;
}

/** Returns `-u`, `--user`=*USER*, in the form of Flux's manual pages. */
export function optionOf({ short, long, flags, required, optional, variadic }: Option): string {
  const names = [short, long].filter((it) => it !== undefined).map((it) => `\`${it}\``);
  const value = /[<[]([^.>\]]+)/.exec(flags)?.[1];
  if (value === undefined || !(required || optional)) return names.join(", ");
  const word = `*${value.toUpperCase()}*${variadic ? "..." : ""}`;
  const between = variadic || !long ? " " : "=";
  return `${names.join(", ")}${optional ? `[${between}${word}]` : `${between}${word}`}`;
}

function describe({ description, defaultValue, argChoices }: Option | Argument): string {
  const choices = argChoices ? `; one of ${argChoices.join(", ")}` : "";
  const value =
    Array.isArray(defaultValue) || typeof defaultValue === "boolean"
      ? undefined
      : String(defaultValue ?? "");
  return `${marked(description)}${choices}${value ? ` (default: \`${value}\`)` : ""}`;
}

/** Marks the options in a help text, which has no marks. */
function marked(text: string): string {
  return text
    .split(/(`[^`]*`)/)
    .map((part) =>
      part.startsWith("`") ? part : part.replace(/(?<![\w-])--?[a-zA-Z][\w-]*/g, "`$&`"),
    )
    .join("");
}
