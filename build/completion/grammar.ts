/**
 * The grammar of the command lines of flux-usernetes and usernetes: verbs, options and arguments.
 */
import type { Command, Option } from "commander";
import { kindOf, type Kind } from "./kinds.js";

export interface Grammar {
  command: string;
  /** Options before the verb. */
  options: GrammarOption[];
  verbs: Verb[];
}

export interface Verb {
  name: string;
  options: GrammarOption[];
  argument: Kind;
  /** Maximum number of arguments. */
  most: number;
}

export interface GrammarOption {
  /** `-x`, `--exclude` */
  names: string[];
  /** The kind of the value; undefined if the option takes none. */
  value: Kind | undefined;
}

const MANY = 99;
const HELP: GrammarOption = { names: ["-h", "--help"], value: undefined };

/** Derives the grammar of a program and its commands. */
export function grammarOf(program: Command): Grammar {
  const verbs = program.commands.map((command): Verb => {
    const { options, registeredArguments: operands } = command;
    const [first] = operands;
    return {
      name: command.name(),
      options: [...options.map(grammarOption), HELP],
      argument: first ? kindOf(first.name(), "", first.argChoices) : "none",
      most: operands.some(({ variadic }) => variadic) ? MANY : operands.length,
    };
  });
  const help: Verb = { name: "help", options: [], argument: "verb", most: 1 };
  const options = [...program.options.map(grammarOption), HELP];
  return { command: program.name(), options, verbs: [...verbs, help] };
}

function grammarOption({
  short,
  long,
  flags,
  required,
  optional,
  argChoices,
}: Option): GrammarOption {
  const names = [short, long].filter((name) => name !== undefined);
  const value = /[<[]([^.>\]]+)/.exec(flags)?.[1] ?? "";
  const kind = kindOf(value, long, argChoices);
  return { names, value: required || optional ? kind : undefined };
}
