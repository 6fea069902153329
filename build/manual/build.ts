/**
 * Runs at the end of the build. Writes the manual pages, completions and help texts, which are
 * generated from the commands, the schema and docs/man, into dist/share. The layout is that of
 * PREFIX/share.
 */
import type { Command } from "commander";
import { run } from "../../lib/host/runner.js";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { loadProgram } from "../../lib/cli/commands.js";
import { version } from "../../lib/cli/version.js";
import { SH_COMMANDS } from "../../lib/help/sh-commands.js";
import { usernetesCommand } from "../../lib/help/usernetes.js";
import { bashCompletion } from "../completion/bash.js";
import { grammarOf } from "../completion/grammar.js";
import { packagePath } from "../../lib/host/package.js";
import { pages, roffOfPage } from "./pages.js";

const program = await loadProgram(run);
const usernetes = usernetesCommand();

/** https://reproducible-builds.org/specs/source-date-epoch */
const { SOURCE_DATE_EPOCH } = process.env;
const at = SOURCE_DATE_EPOCH === undefined ? Date.now() : Number(SOURCE_DATE_EPOCH) * 1000;
const date = new Date(at).toISOString().slice(0, 10);

rmSync(packagePath("dist", "share"), { recursive: true, force: true });
for (const page of pages(program))
  write(`man/man${page.section}/${page.name}.${page.section}`, roffOfPage(page, version(), date));
for (const each of [program, usernetes])
  write(`bash-completion/completions/${each.name()}`, bashCompletion(grammarOf(each)));

// The texts that bin/usernetes and bin/flux-usernetes print for --help, without Node.js.
write("usernetes/help/usernetes.txt", helpOf(usernetes));
for (const verb of usernetes.commands)
  write(`usernetes/help/usernetes-${verb.name()}.txt`, helpOf(verb));
for (const command of program.commands.filter((each) => SH_COMMANDS.includes(each.name())))
  write(`usernetes/help/flux-usernetes-${command.name()}.txt`, helpOf(command));

// `flux help` lists the command if Flux has the same prefix, or if FLUX_CMDHELP_PATTERN matches
// this file.
const commands = [{ name: "usernetes", description: program.description() }];
const list = [{ description: "give jobs a Kubernetes cluster", commands }];
write("flux/help.d/usernetes.json", `${JSON.stringify(list, undefined, 1)}\n`);

function write(path: string, text: string): void {
  const file = packagePath("dist", "share", path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

function helpOf(command: Command): string {
  let text = "";
  command.configureOutput({ writeOut: (part) => (text += part), getOutHelpWidth: () => 80 });
  command.outputHelp();
  return text;
}
