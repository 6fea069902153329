/** Tests the python3 of the embedded Flux, which keeps compiled agents. */
import { execFileSync } from "node:child_process";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { makeAgentPython } from "./agent-python.js";

const kept = (directory: string) => readdirSync(directory).filter((name) => /\.code$/.test(name));

t.test("an agent runs as with python3, and finds its source among its arguments", (t) => {
  const directory = t.testdir();
  const python = makeAgentPython(directory);
  const run = (source: string, ...args: string[]) =>
    execFileSync(python, ["-I", "-S", "-c", source, ...args], { encoding: "utf8" });
  const source = `import sys
lines = open("/proc/self/cmdline").read().split("\\0")
print(__name__, sys.argv, sys.flags.isolated, sys.flags.no_site, "mine")
print(lines[lines.index("-c") + 1] == open(sys.argv[1]).read())
print(sys.executable)`;
  const file = join(directory, "source");
  writeFileSync(file, source);
  const printed = `__main__ ['-c', '${file}', 'b'] 1 1 mine\nTrue\n${python}\n`;
  t.equal(run(source, file, "b"), printed);
  t.equal(kept(directory).length, 1);
  t.equal(run(source, file, "b"), printed, "a second time, from the compiled file");
  t.equal(run("print('another')"), "another\n");
  t.equal(kept(directory).length, 2);
  t.end();
});

t.test("a compiled file is used, unless it is damaged or has another source", (t) => {
  const directory = t.testdir();
  const python = makeAgentPython(directory);
  const run = (source: string) =>
    execFileSync(python, ["-I", "-S", "-c", source], { encoding: "utf8" });
  t.equal(run("print('one')"), "one\n");
  const file = join(directory, kept(directory)[0] ?? "");
  const put = (source: string, code: string) => {
    const keep = `import marshal, sys; marshal.dump((sys.argv[1], compile(sys.argv[2], "x", "exec")), open(sys.argv[3], "wb"))`;
    execFileSync("/usr/bin/python3", ["-c", keep, source, code, file]);
  };
  put("print('one')", "print('from the file')");
  t.equal(run("print('one')"), "from the file\n");
  put("print('another')", "print('from the file')");
  t.equal(run("print('one')"), "one\n");
  writeFileSync(file, "damaged");
  t.equal(run("print('one')"), "one\n");
  t.end();
});

t.test("other calls of python3 are passed on", (t) => {
  const python = makeAgentPython(t.testdir());
  t.equal(execFileSync(python, ["-c", "print(1)"], { encoding: "utf8" }), "1\n");
  t.end();
});
