/**
 * Extends a job's time limit, because neither bring-up nor teardown counts against it: the limit is
 * extended once by the time of the hold, and once for a teardown that the job's shell waits for.
 *
 * Flux's exec system also corrects for the hold, but only the end of a job: if the delay from alloc
 * to start is more than 25 % of the limit, it ends the job later by that delay (flux-core 6781,
 * exec.max-start-delay-percent). R keeps the earlier expiration, and `flux job timeleft`,
 * `--signal`, the shell plugin and an instance inside a batch job read R. Therefore R is corrected
 * here in any case, and the delay that Flux adds is compensated: the job gets its timeout exception
 * at its expiration.
 */
import type { Action } from "./action.js";
import type { PlanContext } from "./retry.js";
import { isDebug, isOver, stepState, type Cluster, type TimeLimit } from "./state.js";
import { rowOf } from "./steps.js";

/**
 * Seconds that a teardown takes in addition to its tries: pauses, and the overhead of Flux and the
 * daemon.
 */
const TEARDOWN_REST_S = 60;
/** The fraction of the limit above which Flux adds the delay; a site may configure another. */
const FLUX_ADDS_FROM = 0.25;
/** Seconds for which Flux's own timer has precedence if it should not add a delay. */
const GRACE_S = 2;

/**
 * The job's time limit in seconds, 0 for none, as its user last set it before the cluster was
 * ready. `changed`: the limit has changed since, which the daemon does when the cluster is ready.
 */
export function timeLimit(cluster: Cluster): { seconds: number; changed: boolean } {
  const { before, since } = limitsAround(cluster);
  return { seconds: before.at(-1)?.seconds ?? cluster.duration, changed: since.length > 0 };
}

/** The changes of the limit before the cluster was ready, and those since then. */
function limitsAround(cluster: Cluster): { before: TimeLimit[]; since: TimeLimit[] } {
  const { limits } = cluster.job;
  const from = readyAt(cluster) ?? Infinity;
  return {
    before: limits.filter(({ at }) => at < from),
    since: limits.filter(({ at }) => at >= from),
  };
}

/** The job's current time limit in seconds, 0 for none. */
export function lastTimeLimit({ job, duration }: Cluster): number {
  return job.limits.at(-1)?.seconds ?? duration;
}

/** When the last reason to hold the job ended; undefined while there is one. */
function readyAt(cluster: Cluster): number | undefined {
  const { claim, settledAt, job } = cluster;
  const waited =
    claim &&
    (stepState(cluster, "after-ready", claim.lead) ?? stepState(cluster, "wait-ready", claim.lead));
  const up = waited?.status === "ok" ? waited.at : settledAt;
  if (up === undefined || !isDebug(cluster)) return up;
  return job.releasedAt === undefined ? undefined : Math.max(up, job.releasedAt);
}

/** When the job's tasks could run: at the job's start, or later if the shell plugin had to wait. */
function heldUntil({ job, settledAt }: Cluster, now: number): number {
  if (job.startAt === undefined || settledAt === undefined) return now;
  return Math.max(job.startAt, settledAt);
}

/** Whether the job's limit was extended by the time of the hold, or need not be. */
export function isExtended(cluster: Cluster, context: PlanContext): boolean {
  const { seconds, changed } = timeLimit(cluster);
  return !context.extendTimeLimit || seconds === 0 || changed;
}

export function planExtension(cluster: Cluster, context: PlanContext): Action[] {
  const { allocAt } = cluster.job;
  if (isExtended(cluster, context) || allocAt === undefined) return [];
  const held = Math.max(0, Math.ceil(heldUntil(cluster, context.now) - allocAt));
  return [{ do: "extend", phase: "bring-up", duration: timeLimit(cluster).seconds + held }];
}

/**
 * Extends the limit of a job whose shell waits for the teardown. Otherwise the limit could end the
 * job meanwhile, and a job whose tasks succeeded would be shown as timed out. The job gets the time
 * that a teardown may take, if it has less. This happens only once, because the update is an event
 * of the job.
 */
export function planTeardownTime(cluster: Cluster, context: PlanContext): Action[] {
  const { tasksDoneAt, allocAt, limits } = cluster.job;
  const seconds = lastTimeLimit(cluster);
  if (tasksDoneAt === undefined || allocAt === undefined || seconds === 0) return [];
  const isChanged = limits.some(({ at }) => at >= tasksDoneAt);
  if (!context.extendTimeLimit || isOver(cluster) || isChanged) return [];
  const hookS = context.skipped.has("before-down") ? 0 : (rowOf("before-down").limitS ?? 0);
  const triesS = context.teardownS * (context.attempts["down-v"] ?? 1);
  const needed = Math.ceil(triesS + hookS + TEARDOWN_REST_S);
  if (allocAt + seconds - context.now >= needed) return [];
  return [{ do: "extend", phase: "teardown", duration: seconds + needed }];
}

/**
 * Ends a job that got the time of the hold back, when its limit has passed since its tasks could
 * run. Later changes by its user count, too.
 */
export function planExpiry(cluster: Cluster, context: PlanContext): Action[] {
  const { allocAt, startAt, tasksDoneAt, limits } = cluster.job;
  const { seconds, changed } = timeLimit(cluster);
  const last = limits.at(-1);
  if (!context.extendTimeLimit || !changed || !last || last.seconds === 0) return [];
  // Flux enforces a limit that it refused to change.
  if (limits.some(({ refused }) => refused)) return [];
  if (allocAt === undefined || startAt === undefined || tasksDoneAt !== undefined) return [];
  const raised = limitsAround(cluster).since[0] ?? last;
  const end = heldUntil(cluster, context.now) + seconds + (last.seconds - raised.seconds);
  const isFluxAdding = startAt - allocAt > last.seconds * FLUX_ADDS_FROM;
  const until = isFluxAdding ? end : end + GRACE_S;
  if (context.now >= until) return [{ do: "expire" }];
  context.wake(until);
  return [];
}
