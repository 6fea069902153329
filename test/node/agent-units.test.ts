/** The agent's functions by themselves, and its style. */
import { execa } from "execa";
import t from "tap";
import { packagePath } from "../../lib/host/package.js";

const options = { cwd: packagePath(), reject: false, all: true } as const;

t.test("the agent's functions pass their unit tests", async (t) => {
  const env = { PYTHONDONTWRITEBYTECODE: "1" };
  const args = ["-m", "unittest", "agent_test"];
  const { exitCode, all } = await execa("/usr/bin/python3", args, {
    ...options,
    env,
    cwd: packagePath("test", "node"),
  });
  t.equal(exitCode, 0, all);
  t.match(all, /Ran [1-9][0-9]* tests/);
});

t.test("the agent has the syntax of Python 3.6", async (t) => {
  const check = "import ast, sys; ast.parse(open(sys.argv[1]).read(), feature_version=(3, 6))";
  const args = ["-c", check, "lib/node/agent.py"];
  const { exitCode, all } = await execa("/usr/bin/python3", args, options);
  t.equal(exitCode, 0, all);
});
