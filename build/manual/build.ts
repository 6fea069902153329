/**
 * Run at the end of the build: writes what is made of the commands, the schema and
 * docs/man into dist/share, as it is to be under PREFIX/share.
 */
import { run } from "../../lib/host/runner.js";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { loadProgram } from "../../lib/cli/commands.js";
import { version } from "../../lib/cli/version.js";
import { bashCompletion } from "../completion/bash.js";
import { programGrammar, usernetesGrammar } from "../completion/grammar.js";
import { packagePath } from "../../lib/host/package.js";
import { pages, roffOfPage } from "./pages.js";

const program = await loadProgram(run);

/** https://reproducible-builds.org/specs/source-date-epoch */
const { SOURCE_DATE_EPOCH } = process.env;
const at = SOURCE_DATE_EPOCH === undefined ? Date.now() : Number(SOURCE_DATE_EPOCH) * 1000;
const date = new Date(at).toISOString().slice(0, 10);

rmSync(packagePath("dist", "share"), { recursive: true, force: true });
for (const page of pages(program))
  write(`man/man${page.section}/${page.name}.${page.section}`, roffOfPage(page, version(), date));
for (const grammar of [programGrammar(program), usernetesGrammar()])
  write(`bash-completion/completions/${grammar.command}`, bashCompletion(grammar));

// So that `flux help` has it, if Flux has the same prefix, or FLUX_CMDHELP_PATTERN matches.
const commands = [{ name: "usernetes", description: program.description() }];
const list = [{ description: "give jobs a Kubernetes cluster", commands }];
write("flux/help.d/usernetes.json", `${JSON.stringify(list, undefined, 1)}\n`);

function write(path: string, text: string): void {
  const file = packagePath("dist", "share", path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}
