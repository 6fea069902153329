/** Commands run in / if the user may not enter the current directory. */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { packagePath } from "../../lib/host/package.js";

const NOBODY = 65534;

/** The directory of a command that is started from DIRECTORY, after the code `drops` has run. */
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
    // The options of tap would make the process write a file as that user.
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
  // Root may enter every directory, so root changes its user ID.
  const drops = isRoot
    ? `process.setuid(${NOBODY});`
    : `(await import("node:fs")).chmodSync(".", 0);`;
  t.equal(whereFrom(directory, drops), "/");
  chmodSync(directory, 0o700);
  t.end();
});
