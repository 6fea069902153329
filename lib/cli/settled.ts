/**
 * Waits until a cluster has settled. The wait ends early if the job has ended without a settle
 * event, or if no daemon runs.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { isOver, type Cluster } from "../cluster/state.js";
import { CommandError, EXIT } from "../errors.js";
import { formatFsd } from "../flux/fsd.js";
import { SlowFluxError } from "../flux/no-instance.js";
import type { Run } from "../host/command.js";
import { terminalLook, nameOf } from "../view/terminal.js";
import { waits } from "../view/status-steps.js";
import { stepLines } from "../view/steps.js";
import { INSTANCE } from "../usernetes/names.js";
import type { SeenJob } from "../view/job.js";
import { noCluster } from "../view/status.js";
import { seeCluster } from "./cluster-argument.js";
import { noDaemon } from "./service.js";

/**
 * How long one wait-event runs. A job may end without a settle event, which wait-event does not
 * notice.
 */
const LOOK_MS = 2_000;
/** Time without messages: a shorter wait prints nothing. */
const QUIET_MS = 4_000;
/** How often Flux is asked before a wait fails because it does not answer; 20 s each. */
const ATTEMPTS = 3;
/**
 * How long the daemon may be missing. A daemon that is being restarted is back within this time.
 */
const NO_DAEMON_MS = 10_000;

/**
 * Resolves when the cluster is ready. Throws a CommandError if the cluster has failed, cannot
 * become ready, or is not ready in time.
 */
export async function settled(run: Run, jobid: bigint, limitMs: number): Promise<void> {
  const begin = Date.now();
  const say = sayer(jobid, begin);
  let daemonAt = begin;
  for (;;) {
    const seen = await seePatiently(run, jobid);
    const { cluster } = seen;
    if (cluster.settle?.outcome === "ready") return;
    const why = whyNever(cluster);
    if (why) throw new CommandError(EXIT.failed, `${nameOf(jobid, terminalLook())}: ${why}`);
    const waiting = waitsFor(seen);
    const left = begin + limitMs - Date.now();
    if (left <= 0) {
      const time = formatFsd(limitMs);
      const text = `${nameOf(jobid, terminalLook())}: not ready after ${time}: ${waiting}`;
      throw new CommandError(EXIT.failed, text);
    }
    say(waiting);
    await nextLook(run, jobid, Math.min(LOOK_MS, left));
    // The cluster of the whole instance needs no daemon.
    if (seen.cluster.jobid === INSTANCE || (await daemonAnswers(run))) daemonAt = Date.now();
    else if (Date.now() - daemonAt > NO_DAEMON_MS) throw noDaemon();
  }
}

/** Flux on a busy machine may answer one request late, and the next one in time. */
async function seePatiently(run: Run, jobid: bigint): Promise<SeenJob> {
  for (let attempt = 1; ; attempt++)
    try {
      return await seeCluster(run, jobid);
    } catch (error) {
      if (!(error instanceof SlowFluxError) || attempt === ATTEMPTS) throw error;
    }
}

/** Returns the reason why the cluster cannot become ready; undefined as long as it can. */
function whyNever(cluster: Cluster): string | undefined {
  const { asked, settle, job, claim, teardown } = cluster;
  if (settle) return `${settle.outcome}${settle.note ? `: ${settle.note}` : ""}`;
  if (!claim && !("asks" in asked && asked.asks)) return noCluster(cluster);
  if (teardown) return `it is being removed: ${teardown.reason}`;
  if (!isOver(cluster)) return undefined;
  const { fatal } = job;
  if (!fatal) return "the job has ended";
  return `the job has ended: ${fatal.type}${fatal.note && `: ${fatal.note}`}`;
}

function waitsFor({ cluster, record }: SeenJob): string {
  if (!cluster.claim) return noCluster(cluster);
  return waits(cluster, stepLines(record, Date.now() / 1000)).join("; ");
}

/** Whether a daemon runs. A daemon that answers too slowly counts as running. */
async function daemonAnswers(run: Run): Promise<boolean> {
  const argv = ["flux", "ping", "--count=1", "usernetes"];
  const env = process.env as Record<string, string>;
  const { exitCode, stderr } = await run({ argv, env, timeoutMs: 5_000 });
  return exitCode === 0 || !stderr.includes("usernetes.ping");
}

/** Returns when the cluster has settled, or when its state has to be checked again. */
async function nextLook(run: Run, jobid: bigint, ms: number): Promise<void> {
  if (jobid === INSTANCE) {
    await sleep(Math.min(ms, 1000));
    return;
  }
  const begin = Date.now();
  // Without -t, wait-event would wait forever for an event that does not come.
  const wait = ["wait-event", "--quiet", "--waitcreate", "-t", `${ms / 1000}s`];
  const argv = ["flux", "job", ...wait, "-p", "usernetes.eventlog", String(jobid), "settle"];
  const env = process.env as Record<string, string>;
  const { exitCode } = await run({ argv, env, timeoutMs: ms + 10_000 });
  // If the call fails immediately, the next check finds the reason.
  if (exitCode !== 0) await sleep(Math.max(0, Math.min(ms, 500) - (Date.now() - begin)));
}

/** Prints a message on stderr if the wait is long and the message is new. */
function sayer(jobid: bigint, begin: number): (text: string) => void {
  let reported = "";
  return (text) => {
    // A longer duration alone does not make a message new.
    const key = text.replace(/, for [0-9.]+[smhd] now/g, "");
    if (Date.now() - begin < QUIET_MS || key === reported) return;
    reported = key;
    process.stderr.write(`flux-usernetes: ${nameOf(jobid, terminalLook())}: ${text}\n`);
  };
}
