/** `once` with a flux that fails waiting tasks, which test/life/once.test.ts cannot bring about. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { runCommand } from "../hosts/run-command.js";
import { PACKAGE } from "../sandbox/paths.js";

const folder = mkdtempSync("/tmp/usernetes-once-");
t.teardown(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Runs the second task of a job, which waits, with this script as flux. */
function waiting(flux: string) {
  writeFileSync(join(folder, "flux"), `#!/bin/sh\n${flux}\n`, { mode: 0o755 });
  const env = {
    PATH: `${folder}:${process.env["PATH"] ?? ""}`,
    FLUX_TASK_RANK: "1",
    FLUX_JOB_SIZE: "2",
    FLUX_KVS_NAMESPACE: "job-1",
    FLUX_JOB_TMPDIR: folder,
  };
  const argv = ["once", "--", "true"];
  return runCommand(join(PACKAGE, "bin/flux-usernetes"), argv, { env, cwd: folder });
}

t.test("a watch that misses the key is restarted", async (t) => {
  const flux = `test ! -e ${folder}/missed || { echo 7; exit; }; : >${folder}/missed; exec sleep 60`;
  t.match(await waiting(flux), { exitCode: 7, stdout: "", stderr: "" });
});

t.test("a watch that fails is not restarted", async (t) => {
  const flux = `echo "flux-kvs: usernetes.once.2: Operation not permitted" >&2; exit 1`;
  t.match(await waiting(flux), { exitCode: 1, stdout: "", stderr: /not permitted\n$/ });
});
