/**
 * The commands in the documents: each command exists and accepts the options and the number of
 * arguments that are given there. Each configuration passes the daemon's check.
 */
import { run } from "../../lib/host/runner.js";
import t from "tap";
import { loadProgram } from "../../lib/cli/commands.js";
import { usernetesCommand } from "../../lib/help/usernetes.js";
import { grammarOf, type Grammar } from "../../build/completion/grammar.js";
import { checkConfig } from "../../lib/config/check.js";
import { parseRequest } from "../../lib/cluster/request.js";
import { callsIn, documents, readDocument, tablesIn, type Call } from "./documents.js";

const grammars = new Map<string, Grammar>(
  [await loadProgram(run), usernetesCommand()].map((it) => [it.name(), grammarOf(it)]),
);

/** The fault of a call. The text is empty if the call is valid. */
function fault([command, ...words]: Call): string {
  const grammar = grammars.get(command);
  if (!grammar) return `no command ${command}`;
  let options = grammar.options;
  let verb: Grammar["verbs"][number] | undefined;
  let count = 0;
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? "";
    if (word === "--" || word === "...") break;
    if (word.startsWith("-")) {
      const [name = ""] = word.split("=");
      const option = options.find(({ names }) => names.includes(name));
      if (!option) return `no option ${name}`;
      if (option.value !== undefined && !word.includes("=")) i++;
    } else if (!verb) {
      const name = word.replace(/[.,:]$/, "");
      verb = grammar.verbs.find((it) => it.name === name);
      if (!verb) return `no verb ${name}`;
      options = [...options, ...verb.options];
    } else if (verb.argument === "command") break;
    else count++;
  }
  if (verb && count > verb.most) return `${count} arguments, at most ${verb.most}`;
  return "";
}

t.test("an invalid call is found", (t) => {
  t.equal(fault(["flux-usernetes", "list", "-a", "--since=-1h"]), "");
  t.equal(fault(["flux-usernetes", "once", "--", "kubectl", "--anything"]), "");
  t.equal(fault(["usernetes", "attr", "--jobid", "ƒ1", "kubeconfig"]), "");
  t.equal(fault(["flux-usernetes", "lisst"]), "no verb lisst");
  t.equal(fault(["flux-usernetes", "list", "--al"]), "no option --al");
  t.equal(fault(["flux-usernetes", "status", "a", "b"]), "2 arguments, at most 1");
  t.equal(fault(["usernetes", "attr", "--job", "ƒ1"]), "no option --job");
  t.end();
});

t.test("calls are found in blocks, prompts and backquotes", (t) => {
  const text = [
    "Run `flux usernetes list -a`, not ``x``.\n",
    "    $ flux usernetes wait --timeout 1m ƒ1 && true",
    "    flux-usernetes: ƒ1: waiting\n",
    "text\n",
    "    trap 'flux usernetes down' EXIT",
    "    export KUBECONFIG=$(flux usernetes up \\",
    "      -x 0)",
  ].join("\n");
  t.strictSame(callsIn(text), [
    ["flux-usernetes", "wait", "--timeout", "1m", "ƒ1"],
    ["flux-usernetes", "down"],
    ["flux-usernetes", "up", "-x", "0"],
    ["flux-usernetes", "list", "-a"],
  ]);
  t.end();
});

t.test("the commands accept every call in the documents", (t) => {
  let count = 0;
  for (const file of documents().filter((it) => it !== "NEWS.md"))
    for (const call of callsIn(readDocument(file))) {
      count++;
      t.equal(fault(call), "", `${file}: ${call.join(" ")}`);
    }
  t.ok(count > 100, `${count} calls`);
  t.end();
});

t.test("the daemon accepts every configuration in the documents", (t) => {
  let count = 0;
  for (const file of documents())
    for (const table of tablesIn(readDocument(file))) {
      count++;
      const text = `${file}: ${JSON.stringify(table)}`;
      t.doesNotThrow(() => checkConfig({ template: "/t", ...table }, file), text);
    }
  t.ok(count > 20, `${count} tables`);
  t.end();
});

t.test("a configuration is found with and without its headings", (t) => {
  const text = ["[usernetes]", "ready = 1", "", "[other]", "a = 2"].map((line) => `    ${line}`);
  t.same(tablesIn(text.join("\n")), [{ ready: 1 }]);
  t.same(tablesIn('    [usernetes.hooks]\n    before-up = ["a"]'), [
    { hooks: { "before-up": ["a"] } },
  ]);
  t.same(tablesIn('    images = "/x"\n\ntext\n\n    before-up = ["a"]\n\ntext\n\n    A = 1'), [
    { images: "/x" },
    { hooks: { "before-up": ["a"] } },
  ]);
  t.end();
});

t.test("a job may have every attribute and option in the documents", (t) => {
  let count = 0;
  for (const file of documents())
    for (const [, name = "", value = ""] of readDocument(file).matchAll(
      /--setattr=(?:attributes\.)?user\.(usernetes\w*)=([^\s\\`)]+)/g,
    )) {
      if (value === "maybe") continue;
      const asked = parseRequest({ usernetes: "yes", [name]: value });
      count++;
      t.ok("asks" in asked && asked.asks, `${file}: ${name}=${value}`);
    }
  t.ok(count >= 8, `${count} attributes`);
  t.end();
});
