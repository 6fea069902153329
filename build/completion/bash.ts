/**
 * Generates a completion for bash: the grammar as functions with `case`, and frame.bash, which
 * calls them.
 */
import { readFileSync } from "node:fs";
import { packagePath } from "../../lib/host/package.js";
import type { Grammar } from "./grammar.js";
import type { Kind } from "./kinds.js";

export function bashCompletion(grammar: Grammar): string {
  const { command } = grammar;
  const frame = readFileSync(packagePath("build", "completion", "frame.bash"), "utf8");
  const name = `__usernetes_of_${command.replaceAll("-", "_")}`;
  return [
    `# bash completion of ${command}. Made by its build; changes are lost.`,
    "# shellcheck shell=bash disable=SC2034 # $found is read by the caller",
    "",
    ...tables(name, grammar),
    frame,
    `${name}() { __usernetes_complete ${name} 1; }`,
    `complete -F ${name} ${command}`,
    "",
  ].join("\n");
}

/** Functions of the shell, each of which sets $found. */
function tables(name: string, { options, verbs }: Grammar): string[] {
  const all = [{ name: "", options, argument: "none" as Kind, most: 0 }, ...verbs];
  const values = all.flatMap((verb) =>
    verb.options.flatMap(({ names, value }) =>
      value === undefined
        ? []
        : [`${names.map((it) => `${verb.name}:${it}`).join(" | ")}) found='${kindText(value)}' ;;`],
    ),
  );
  return [
    `${name}_verbs='${verbs.map((verb) => verb.name).join(" ")}'`,
    "",
    ...table(
      `${name}_options() { # VERB`,
      "$1",
      all.map((verb) => {
        const names = verb.options.flatMap((option) => option.names);
        return `${verb.name || "''"}) found='${names.join(" ")}' ;;`;
      }),
    ),
    ...table(`${name}_value() { # VERB OPTION`, "$1:$2", values),
    ...table(
      `${name}_argument() { # VERB; sets $most too`,
      "$1",
      verbs.map((verb) => `${verb.name}) found='${kindText(verb.argument)}' most=${verb.most} ;;`),
    ),
  ];
}

function table(head: string, subject: string, cases: string[]): string[] {
  const lines = [...cases, "*) found='' ;;"].map((each) => `    ${each}`);
  return [head, `  case ${subject} in`, ...lines, "  esac", "}", ""];
}

function kindText(kind: Kind): string {
  if (typeof kind === "string") return kind;
  return ("listOf" in kind ? ["list", ...kind.listOf] : ["words", ...kind]).join(" ");
}
