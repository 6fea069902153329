/** .ci/lint-scripts checks a temporary tree of scripts. */
import { execaSync } from "execa";
import { chmodSync, cpSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import t, { type Test } from "tap";
import { packagePath } from "../../lib/host/package.js";

const FOLDERS = ["bin", "etc", "lib", "lib/node/steps", "plugin", "test"];
const SH = "#!/bin/sh\n";

function lint(t: Test, files: Record<string, string>, hidden: string[] = []) {
  const top = t.testdir({ ".ci": {}, programs: {} });
  for (const folder of FOLDERS) mkdirSync(join(top, folder), { recursive: true });
  cpSync(packagePath(".ci/lint-scripts"), join(top, ".ci/lint-scripts"));
  const all = {
    "lib/node/steps/fine.sh": "# parts: fine\ntrue\n",
    "lib/a.bash": "true\n",
    ...files,
  };
  const parts = { "lib/node/steps/parts/fine.sh": "true\n" };
  for (const [path, text] of Object.entries({
    "bin/fine": `${SH}true\n`,
    "etc/fine.py": "",
    ...parts,
    ...all,
  })) {
    mkdirSync(join(top, dirname(path)), { recursive: true });
    writeFileSync(join(top, path), text);
  }
  // The PATH lacks the hidden programs.
  const programs = ["sh", "find", "awk", "dirname", "cat", "sed", "shellcheck", "flake8", "ruff"];
  for (const name of programs.filter((name) => !hidden.includes(name))) {
    const { stdout, failed } = execaSync("which", [name], { reject: false });
    if (!failed) symlinkSync(stdout, join(top, "programs", name));
  }
  chmodSync(join(top, ".ci/lint-scripts"), 0o755);
  const { stdout, exitCode } = execaSync(join(top, ".ci/lint-scripts"), {
    env: { PATH: join(top, "programs") },
    extendEnv: false,
    all: true,
    reject: false,
  });
  return { stdout, exitCode };
}

const missing = (name: string) =>
  execaSync("which", [name], { reject: false }).failed ? `${name} is not installed` : false;

t.test("a tree without a fault passes silently", (t) => {
  if (missing("shellcheck") !== false || missing("flake8") !== false) t.pass("not installed");
  else
    t.strictSame(lint(t, { "lib/node/steps/parts/part.sh": "text=$other\n" }), {
      stdout: "",
      exitCode: 0,
    });
  t.end();
});

t.test("a fault that shellcheck finds is reported", { skip: missing("shellcheck") }, (t) => {
  const UNQUOTED = "rm $1\n";
  for (const [what, path, text] of [
    ["a script without an extension", "bin/tool", `${SH}${UNQUOTED}`],
    ["a bash script", "test/tool", `#!/usr/bin/env bash\n${UNQUOTED}`],
    ["a fragment", "lib/node/steps/parts/part.sh", `# A comment.\n${UNQUOTED}`],
    ["a fragment that begins with code", "lib/part.sh", UNQUOTED],
    ["a bash fragment", "lib/a.bash", `# shellcheck shell=bash\n${UNQUOTED}`],
  ] as const) {
    const { stdout, exitCode } = lint(t, { [path]: text });
    t.match(stdout, "SC2086", what);
    t.match(stdout, path, what);
    t.equal(exitCode, 1, what);
  }
  t.end();
});

t.test(
  "a variable is set in a step's file or in one of its parts",
  { skip: missing("shellcheck") },
  (t) => {
    const part = { "lib/node/steps/parts/set.sh": "name=x\n" };
    const use = 'echo "$name"\n';
    const whole = { ...part, "lib/node/steps/use.sh": `# parts: set\n${use}` };
    t.equal(lint(t, whole).exitCode, 0);
    const half = { ...part, "lib/node/steps/use.sh": `# parts: fine\n${use}` };
    const { stdout, exitCode } = lint(t, half);
    t.match(stdout, "SC2154");
    t.match(stdout, "^ in lib/node/steps/use.sh with its parts");
    t.equal(exitCode, 1);
    t.end();
  },
);

t.test("Python files are checked", { skip: missing("flake8") }, (t) => {
  const { stdout, exitCode } = lint(t, { "plugin/a.py": "import os\n" });
  t.match(stdout, "plugin/a.py:1:1: F401");
  t.equal(exitCode, 1);
  t.end();
});

t.test("a checker that is not installed prints a line and does not fail", (t) => {
  const { stdout, exitCode } = lint(
    t,
    { "bin/tool": `${SH}rm $1\n`, "plugin/a.py": "import os\n" },
    ["shellcheck", "flake8", "ruff"],
  );
  t.equal(
    stdout,
    [
      "lint: shellcheck is not installed: the sh scripts are not checked",
      "lint: neither flake8 nor ruff is installed: the Python files are not checked",
    ].join("\n"),
  );
  t.equal(exitCode, 0);
  t.end();
});
