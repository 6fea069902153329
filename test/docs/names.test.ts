/**
 * How documents and messages write the commands: `flux usernetes COMMAND`, like every command of
 * Flux, except `flux-usernetes daemon`, `install` and `uninstall`, which root or a service manager
 * starts.
 */
import t from "tap";
import { loadProgram } from "../../lib/cli/commands.js";
import { run } from "../../lib/host/runner.js";
import { messages } from "../text/messages.js";
import { documents, readDocument } from "./documents.js";

const STARTED_BY_OTHERS = ["daemon", "install", "uninstall"];
const program = await loadProgram(run);
const names = program.commands.map((command) => command.name());

/** The calls in a text that have a space instead of the hyphen, or the other way round. */
function misnamed(text: string): string[] {
  return [...text.matchAll(/\bflux([ -])usernetes ([a-z-]+)/g)]
    .filter(([, , name = ""]) => names.includes(name) || ["once", "kubeconfig"].includes(name))
    .filter(([, dash, name = ""]) => (dash === "-") !== STARTED_BY_OTHERS.includes(name))
    .map(([call]) => call);
}

t.test("the other spelling of a command is found", (t) => {
  t.strictSame(misnamed("`flux-usernetes list`, `flux usernetes daemon`, `flux usernetes up`"), [
    "flux-usernetes list",
    "flux usernetes daemon",
  ]);
  t.end();
});

t.test("documents and messages spell each command the same way", (t) => {
  for (const file of documents().filter((it) => it !== "NEWS.md"))
    t.strictSame(misnamed(readDocument(file)), [], file);
  for (const { file, line, text } of messages())
    t.strictSame(misnamed(text), [], `${file}:${line}`);
  t.end();
});
