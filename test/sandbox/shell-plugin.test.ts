/** Tests of the shell plugin in a job that requests usernetes, with and without a daemon. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import t from "tap";
import { packagePath } from "../../lib/host/package.js";
import { whyNoLua } from "./lua.js";
import { BIN } from "./paths.js";
import { startInstance, type Sandbox } from "./start-instance.js";
import { encodeEntry } from "./eventlog.js";

const skip = whyNoLua() ?? false;
const USERNETES = "--setattr=user.usernetes=yes";
const SUBMIT = ["submit", "-N1", USERNETES];

async function open(t: { teardown: (end: () => unknown) => void }): Promise<Sandbox> {
  const sandbox = await startInstance({ size: 2, pace: 0 });
  t.teardown(() => sandbox.stop());
  return sandbox;
}

/** Starts only the bridge, as a daemon that never acts and holds no job. */
async function idleDaemon(sandbox: Sandbox, t: { teardown: (end: () => unknown) => void }) {
  const child = spawn(join(BIN, "flux"), ["python", packagePath("plugin/bridge.py"), "--perilog"], {
    env: sandbox.env,
  });
  t.teardown(() => child.kill());
  await new Promise((resolve) => child.stdout.once("data", resolve));
}

async function record(sandbox: Sandbox, job: string, name: string, context: object) {
  const directory = (await sandbox.flux(["job", "id", "--to=kvs", job])).stdout.trim();
  const key = `${directory}.usernetes.eventlog`;
  await sandbox.flux(["kvs", "eventlog", "append", key, name, JSON.stringify(context)]);
}

/**
 * Records that the cluster has settled. If it is ready, records its teardown as well, since the
 * job's shell waits for the teardown and no daemon runs one here.
 */
async function settle(sandbox: Sandbox, job: string, context: Record<string, string>) {
  await record(sandbox, job, "settle", context);
  if (context["outcome"] === "ready") await record(sandbox, job, "down", { left: [] });
}

t.test("a job without a daemon fails with the reason", { skip }, async (t) => {
  const sandbox = await open(t);
  const job = (await sandbox.flux([...SUBMIT, "true"])).stdout.trim();
  const { exitCode, stderr } = await sandbox.flux(["job", "attach", job]);
  t.equal(exitCode, 1);
  t.match(stderr, /type=exec severity=0 usernetes: no flux-usernetes daemon is running/);
});

t.test("a job whose cluster is ready needs no daemon", { skip }, async (t) => {
  const sandbox = await open(t);
  const job = (await sandbox.flux([...SUBMIT, "true"])).stdout.trim();
  // Its shell asks for a daemon for some seconds before it gives up.
  await sandbox.flux(["job", "wait-event", job, "start"]);
  await settle(sandbox, job, { outcome: "ready", kubeconfig: "/w/kubeconfig" });
  t.match(await sandbox.flux(["job", "attach", job]), { exitCode: 0, stderr: "" });
});

t.test("tasks wait for the cluster and have its paths", { skip }, async (t) => {
  const sandbox = await open(t);
  await idleDaemon(sandbox, t);
  const show = "echo $KUBECONFIG $USERNETES_WORKDIR";
  const job = (await sandbox.flux([...SUBMIT, "sh", "-c", show])).stdout.trim();
  await sandbox.flux(["job", "wait-event", job, "start"]);
  const workdir = `${sandbox.disk(0)}/usernetes-x`;
  await settle(sandbox, job, { outcome: "ready", kubeconfig: `${workdir}/kubeconfig` });
  t.match(await sandbox.flux(["job", "attach", job]), {
    exitCode: 0,
    stdout: `${workdir}/kubeconfig ${workdir}\n`,
  });
});

t.test(
  "a task that ends early ends no other, unless its user has set that",
  { skip },
  async (t) => {
    const sandbox = await open(t);
    await idleDaemon(sandbox, t);
    sandbox.instance.exitTimeoutMs = 200;
    const attach = async (...options: string[]) => {
      const argv = ["-N2", ...options, "sh", "-c", "test $FLUX_TASK_RANK = 1 || sleep 1"];
      const job = (await sandbox.flux(["submit", USERNETES, ...argv])).stdout.trim();
      await settle(sandbox, job, { outcome: "ready", kubeconfig: "/w/kubeconfig" });
      return sandbox.flux(["job", "attach", job]);
    };
    t.match(await attach(), { exitCode: 0 });
    const own = await attach("--setattr=system.shell.options.exit-timeout=300ms");
    t.not(own.exitCode, 0);
    t.match(
      own.stderr,
      /task rank 1 on host node1 exited \(Exit 0\) and exit-timeout=.* has expired/,
    );
  },
);

t.test("a failed cluster fails the job with its note", { skip }, async (t) => {
  const sandbox = await open(t);
  await idleDaemon(sandbox, t);
  const job = (await sandbox.flux([...SUBMIT, "true"])).stdout.trim();
  await settle(sandbox, job, { outcome: "failed", note: "up failed on node0" });
  const { exitCode, stderr } = await sandbox.flux(["job", "attach", job]);
  t.equal(exitCode, 1);
  t.match(stderr, /usernetes: the job's cluster did not come up: up failed on node0/);
});

t.test("a job that is canceled while it waits ends", { skip }, async (t) => {
  const sandbox = await open(t);
  await idleDaemon(sandbox, t);
  const job = (await sandbox.flux([...SUBMIT, "true"])).stdout.trim();
  await sandbox.flux(["job", "wait-event", job, "start"]);
  await sandbox.flux(["cancel", job]);
  t.equal((await sandbox.flux(["job", "wait-event", "-t", "5", job, "clean"])).exitCode, 0);
});

t.test("a job ends when its cluster is down, or when it is canceled", { skip }, async (t) => {
  const sandbox = await open(t);
  await idleDaemon(sandbox, t);
  const ready = { outcome: "ready", kubeconfig: "/w/kubeconfig" };
  const asked = async () => {
    const job = (await sandbox.flux([...SUBMIT, "true"])).stdout.trim();
    await record(sandbox, job, "settle", ready);
    await sandbox.flux(["job", "wait-event", "-m", 'usernetes={"tasks":"done"}', job, "memo"]);
    return job;
  };
  const isOver = async (job: string, seconds: number) =>
    (await sandbox.flux(["job", "wait-event", "-t", String(seconds), job, "finish"])).exitCode;
  const job = await asked();
  t.not(await isOver(job, 0.5), 0, "it waits");
  await record(sandbox, job, "down", { left: [] });
  t.equal(await isOver(job, 5), 0);
  const canceled = await asked();
  await sandbox.flux(["cancel", canceled]);
  t.equal(await isOver(canceled, 5), 0);
});

t.test(
  "a job waits as long as its teardown and the hook before it may take",
  { skip },
  async (t) => {
    const sandbox = await open(t);
    await idleDaemon(sandbox, t);
    const ready = { outcome: "ready", kubeconfig: "/w/kubeconfig" };
    /**
     * Submits a job whose teardown started that many seconds ago, with 1 s for each attempt of
     * down-v. Returns whether the job has ended or its shell still waits.
     */
    const teardownSince = async (seconds: number, more: object) => {
      const job = (await sandbox.flux([...SUBMIT, "true"])).stdout.trim();
      await record(sandbox, job, "settle", ready);
      await sandbox.flux(["job", "wait-event", "-m", 'usernetes={"tasks":"done"}', job, "memo"]);
      const directory = (await sandbox.flux(["job", "id", "--to=kvs", job])).stdout.trim();
      const timestamp = Date.now() / 1000 - seconds;
      const context = { reason: "finish", timeout: 1, ...more };
      const event = encodeEntry({ timestamp, name: "teardown-start", context });
      sandbox.instance.kvs.append(`${directory}.usernetes.eventlog`, event);
      const { exitCode } = await sandbox.flux(["job", "wait-event", "-t", "6", job, "finish"]);
      await record(sandbox, job, "down", { left: [] });
      return exitCode === 0 ? "ended" : "waits";
    };
    t.equal(await teardownSince(70, {}), "ended");
    t.equal(await teardownSince(70, { hook: 60 }), "waits");
  },
);

t.test("a batch job's own jobs use its cluster", { skip }, async (t) => {
  const sandbox = await open(t);
  await idleDaemon(sandbox, t);
  const out = `${sandbox.disk(0)}/out`;
  const inner = "flux run --setattr=user.usernetes=yes printenv USERNETES_WORKDIR";
  const argv = ["batch", "-N1", "--setattr=user.usernetes=yes", `--output=${out}`, "--wrap", inner];
  const job = (await sandbox.flux(argv)).stdout.trim();
  await settle(sandbox, job, { outcome: "ready", kubeconfig: "/w/kubeconfig" });
  await sandbox.flux(["job", "wait-event", job, "clean"]);
  t.equal((await sandbox.flux(["exec", "-n", "-r", "0", "cat", out])).stdout, "/w\n");
});
