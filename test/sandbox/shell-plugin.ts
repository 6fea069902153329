/**
 * Stands for etc/flux/shell/lua.d/usernetes.lua, which real job shells run: a job
 * that asks for usernetes waits here until its cluster has settled, and gets
 * KUBECONFIG and USERNETES_WORKDIR, or fails with the reason. When its tasks have
 * ended, it waits until its cluster is down.
 *
 * Differs in one thing: a job that is canceled while it waits ends at once, where
 * a real shell is killed some seconds later.
 */
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { kvsDirectory } from "../../lib/flux/jobid.js";
import { asks } from "./asks.js";
import { decodeEventlog, type Entry } from "./eventlog.js";
import type { Instance } from "./instance.js";
import type { Job } from "./job.js";

const FIRST_LOOK_MS = 100;
/** How long one look may take before the daemon is asked for again. */
const LOOK_MS = 15_000;
const ASKS_FOR_DAEMON = 3;
/** At the end: one wait, and how long a daemon may be missing. */
const WAIT_MS = 2_000;
const PATIENCE_MS = 20_000;
const NO_DAEMON =
  "usernetes: no flux-usernetes daemon is running in this instance: " +
  "the job asks for a cluster and would run without it; tell the administrator";

/** The shell gives up; the message becomes a fatal exception of type exec. */
export class ShellFailure extends Error {
  constructor(
    message: string,
    readonly status = 1,
  ) {
    super(message);
  }
}

/** The kubeconfig that a record tells of, if its cluster is there. */
function readyIn(instance: Instance, key: string): string | undefined {
  const entries = decodeEventlog(instance.kvs.get(key) ?? "");
  if (entries.some(({ name }) => name === "teardown-start")) return undefined;
  const { outcome, kubeconfig } = settled(instance, key)?.context ?? {};
  return outcome === "ready" ? (kubeconfig as string) : undefined;
}

/** That of the nearest cluster around: a whole instance's, or of the job that an instance is. */
function kubeconfigAround(instance: Instance): string | undefined {
  const own = readyIn(instance, "usernetes.eventlog");
  const { parent } = instance;
  if (own !== undefined || !parent) return own;
  const key = `${kvsDirectory(parent.job.id)}.usernetes.eventlog`;
  return readyIn(parent.instance, key) ?? kubeconfigAround(parent.instance);
}

/** In an instance that has no daemon a job that asks gets the cluster it is in. */
function insideCluster(instance: Instance, { env }: Job): string | undefined {
  if (instance.router.has("usernetes")) return undefined;
  const workdir = instance.level > 0 && env["USERNETES_WORKDIR"];
  return kubeconfigAround(instance) ?? (workdir ? `${workdir}/kubeconfig` : undefined);
}

const using = (kubeconfig: string): Record<string, string> => ({
  KUBECONFIG: kubeconfig,
  USERNETES_WORKDIR: dirname(kubeconfig),
});

/** What the tasks get besides; nothing for a job that does not ask. */
export async function usernetesEnvironment(
  instance: Instance,
  job: Job,
  aborted: AbortSignal,
): Promise<Record<string, string>> {
  const asked = asks(job.jobspec.attributes.user?.["usernetes"]);
  if (!instance.shellPlugin || !asked) return {};
  const around = insideCluster(instance, job);
  if (around !== undefined) return using(around);
  const key = `${kvsDirectory(job.id)}.usernetes.eventlog`;
  const name = "settle";
  let entry = await waitForEvent(instance, { key, name, ms: FIRST_LOOK_MS, aborted });
  while (!entry && !aborted.aborted) {
    if (!(await daemonAnswers(instance))) throw new ShellFailure(NO_DAEMON);
    entry = await waitForEvent(instance, { key, name, ms: LOOK_MS, aborted });
  }
  if (!entry) return {};
  const { outcome, note, kubeconfig } = (entry.context ?? {}) as Record<string, string | undefined>;
  if (outcome !== "ready" || kubeconfig === undefined) {
    const why = note ?? outcome ?? "its record is malformed";
    throw new ShellFailure(`usernetes: the job's cluster did not come up: ${why}`);
  }
  return using(kubeconfig);
}

async function daemonAnswers(instance: Instance): Promise<boolean> {
  for (let tries = 0; tries < ASKS_FOR_DAEMON; tries++) {
    if (instance.router.has("usernetes")) return true;
    await sleep(1000 * instance.pace, undefined, { ref: false });
  }
  return false;
}

/** The job's tasks have ended, and its finish event is not posted before this resolves. */
export async function untilTornDown(
  instance: Instance,
  job: Job,
  aborted: AbortSignal,
): Promise<void> {
  const asked = asks(job.jobspec.attributes.user?.["usernetes"]);
  const key = `${kvsDirectory(job.id)}.usernetes.eventlog`;
  const isReady = settled(instance, key)?.context?.["outcome"] === "ready";
  if (!instance.shellPlugin || !asked || !isReady || aborted.aborted) return;
  instance.jobs.memo(job.id, { usernetes: { tasks: "done" } });
  const isAborted = () => aborted.aborted;
  let answered = Date.now();
  while (Date.now() - answered < PATIENCE_MS && !isAborted()) {
    const left = job.expiration > 0 ? job.expiration * 1000 - Date.now() : Infinity;
    const ms = Math.min(WAIT_MS, left - WAIT_MS);
    if (ms < 1000 || (await waitForEvent(instance, { key, name: "down", ms, aborted }))) return;
    if (instance.router.has("usernetes")) answered = Date.now();
  }
}

const settled = (instance: Instance, key: string) => recorded(instance, key, "settle");

function recorded({ kvs }: Instance, key: string, name: string): Entry | undefined {
  return decodeEventlog(kvs.get(key) ?? "").find((entry) => entry.name === name);
}

interface Look {
  key: string;
  name: string;
  ms: number;
  aborted: AbortSignal;
}

function waitForEvent(
  instance: Instance,
  { key, name, ms, aborted }: Look,
): Promise<Entry | undefined> {
  return new Promise((resolve) => {
    const finish = () => {
      clearTimeout(timer);
      off();
      aborted.removeEventListener("abort", finish);
      resolve(recorded(instance, key, name));
    };
    const timer = setTimeout(finish, ms).unref();
    const off = instance.kvs.watch(key, () => {
      if (recorded(instance, key, name)) finish();
    });
    aborted.addEventListener("abort", finish);
    if (recorded(instance, key, name)) finish();
  });
}
