/** What may stand on the command lines of flux-usernetes and usernetes. */
import type { Command, Option } from "commander";
import { usernetesHelp, verbsOf } from "../manual/front-end.js";
import { kindOf, type Kind } from "./kinds.js";

export interface Grammar {
  command: string;
  /** Before the verb. */
  options: GrammarOption[];
  verbs: Verb[];
}

export interface Verb {
  name: string;
  options: GrammarOption[];
  argument: Kind;
  /** How many arguments there may be. */
  most: number;
}

export interface GrammarOption {
  /** `-x`, `--exclude` */
  names: string[];
  /** Undefined: it takes none. */
  value: Kind | undefined;
}

const MANY = 99;
const HELP: GrammarOption = { names: ["-h", "--help"], value: undefined };

export function programGrammar(program: Command): Grammar {
  const commandVerbs = program.commands.map((command): Verb => {
    const words = command.registeredArguments;
    const [first] = words;
    return {
      name: command.name(),
      options: [...command.options.map(grammarOption), HELP],
      argument: first ? kindOf(first.name(), "", first.argChoices) : "none",
      most: words.some(({ variadic }) => variadic) ? MANY : words.length,
    };
  });
  const more: Verb[] = [
    {
      name: "kubeconfig",
      options: [{ names: ["-o", "--output"], value: kindOf("FILE", "--output") }, HELP],
      argument: kindOf("JOB", ""),
      most: 1,
    },
    { name: "once", options: [HELP], argument: "command", most: MANY },
    { name: "help", options: [], argument: "verb", most: 1 },
  ];
  const options = [...program.options.map(grammarOption), HELP];
  return { command: program.name(), options, verbs: [...commandVerbs, ...more] };
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

/** By the usage lines of its help, like `usernetes down [--workdir DIR]`. */
export function usernetesGrammar(): Grammar {
  const help = usernetesHelp();
  const [first = "", ...lines] = help.usage;
  const verbs = verbsOf(help).map((name): Verb => {
    const line = lines.find((each) => each.split(/[ |]/).includes(name)) ?? "";
    // What may be given stands in brackets as it is typed.
    const words = [...line.matchAll(/\[([a-z]+)\]/g)].map(([, word]) => word ?? "");
    const argument = words.length > 0 ? words : "none";
    return { name, options: [...optionsIn(line), HELP], argument, most: words.length };
  });
  const version = { names: ["--version"], value: undefined };
  return { command: "usernetes", options: [...optionsIn(first), version, HELP], verbs };
}

function optionsIn(usage: string): GrammarOption[] {
  return [...usage.matchAll(/(--[a-z-]+)(?: ([A-Z]+))?/g)].map(([, name = "", value]) => ({
    names: [name],
    value: value === undefined ? undefined : kindOf(value, name),
  }));
}
