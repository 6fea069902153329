/** The unit tests of the agent's functions, and the style of its source. */
import { execa } from "execa";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { agentSource } from "../../lib/node/agent-source.js";
import { packagePath } from "../../lib/host/package.js";

const options = { cwd: packagePath(), reject: false, all: true } as const;

// The agent is one file, as the nodes receive it.
const directory = mkdtempSync(join(tmpdir(), "usernetes-agent-"));
const whole = join(directory, "agent.py");
writeFileSync(whole, agentSource());
t.teardown(() => {
  rmSync(directory, { recursive: true });
});

t.test("the agent's functions pass their unit tests", async (t) => {
  const env = { PYTHONDONTWRITEBYTECODE: "1", AGENT_PY: whole };
  const args = ["-m", "unittest", "agent_test"];
  const { exitCode, all } = await execa("/usr/bin/python3", args, {
    ...options,
    env,
    cwd: packagePath("test", "node"),
  });
  t.equal(exitCode, 0, all);
  t.match(all, /Ran [1-9][0-9]* tests/);
});

t.test("the program has each module once, and each name has one meaning", (t) => {
  const folder = packagePath("lib", "node", "agent");
  const modules = readdirSync(folder).filter((file) => file.endsWith(".py"));
  t.ok(modules.length > 10);
  const program = agentSource();
  t.notMatch(program, new RegExp(`^from (${modules.join("|").replaceAll(".py", "")}) `, "m"));
  const homes = new Map<string, string>();
  for (const file of modules) {
    const text = readFileSync(join(folder, file), "utf8");
    const [opening = ""] = /^"""[^\n]+/.exec(text) ?? [];
    t.equal(program.split(opening).length, 2, `${file} opens with its purpose and is joined once`);
    for (const [, name = ""] of text.matchAll(/^(?:def |class )?(\w+)(?=\(|:| = )/gm)) {
      t.notOk(homes.has(name), `${name} of ${file} is not defined in ${homes.get(name) ?? ""}`);
      homes.set(name, file);
    }
  }
  t.equal(homes.get("Runner"), "runner.py");
  t.end();
});

t.test("the agent has the syntax of Python 3.6", async (t) => {
  const check = "import ast, sys; ast.parse(open(sys.argv[1]).read(), feature_version=(3, 6))";
  const args = ["-c", check, whole];
  const { exitCode, all } = await execa("/usr/bin/python3", args, options);
  t.equal(exitCode, 0, all);
});
