/** A user that may not enter the directory it is in: /root, after `sudo -u flux`. */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { packagePath } from "../../lib/host/package.js";

const NOBODY = 65534;

/** Where a command runs that is started from DIRECTORY, by a user who may not enter it. */
function whereFrom(directory: string, drops: string): string {
  const runner = packagePath("dist/lib/host/runner.js");
  const program = `
    import { run } from ${JSON.stringify(runner)};
    process.chdir(${JSON.stringify(directory)});
    ${drops}
    const { PATH } = process.env;
    const { stdout, reason } = await run({ argv: ["pwd"], env: { PATH }, timeoutMs: 10_000 });
    process.stdout.write(stdout + reason);`;
  const node = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
    encoding: "utf8",
    // tap's own options would have it write a file as that user.
    env: { PATH: process.env["PATH"] },
  });
  return `${node.stdout}${node.stderr}`.trimEnd();
}

t.test("commands run in the user's directory", (t) => {
  const directory = t.testdir();
  t.equal(whereFrom(directory, ""), directory);
  t.end();
});

t.test("commands run in / if the user may not enter the directory", (t) => {
  const directory = join(t.testdir(), "closed");
  mkdirSync(directory, { mode: 0o700 });
  const isRoot = process.getuid?.() === 0;
  // Root enters every directory.
  const drops = isRoot
    ? `process.setuid(${NOBODY});`
    : `(await import("node:fs")).chmodSync(".", 0);`;
  t.equal(whereFrom(directory, drops), "/");
  chmodSync(directory, 0o700);
  t.end();
});
