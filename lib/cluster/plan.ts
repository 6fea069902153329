/**
 * Makes a plan, the next actions for one cluster, from its state and the time. All decisions are
 * made here, and nothing is carried out. The same state gives the same plan, so a restarted daemon
 * continues where the last one was killed.
 *
 * steps.ts lists the steps in their order, bring-up.ts selects the steps that may start now, and
 * skipped.ts names the steps for which nothing is configured.
 *
 * An empty plan means that the cluster waits for an event, a running step, or the time `wakeAt`.
 */
import { encodeIdset } from "../flux/idset.js";
import type { Claim, Settle } from "../record/events.js";
import { conflicts, failure, lostNode, excludedWorkers } from "./failures.js";
import { planHolds } from "./holds.js";
import {
  bringUpSteps,
  hasTaken,
  optionalWaits,
  runningSteps,
  teardownCalls,
  teardownProgress,
} from "./bring-up.js";
import { planContext, type Limits, type PlanContext } from "./retry.js";
import {
  hostOf,
  isDebug,
  isEnding,
  isHeld,
  ranksOf,
  stepState,
  type Cluster,
  type JobProgress,
} from "./state.js";
import { FINISH, type Step } from "./steps.js";
import { isExtended, planExpiry, planExtension, planTeardownTime } from "./time-limit.js";
import type { Action } from "./action.js";

/**
 * Flux kills the tasks of a job 5 s (exec.kill-timeout) after a fatal exception, and posts `finish`
 * when they have ended. A job-exec module that was reloaded posts only `release`. Neither is posted
 * if Flux was restarted in between, because the job manager does not send a job in CLEANUP to
 * job-exec again: then only the finish of its epilog ends the job.
 */
const TASKS_END_S = 300;

export interface Plan {
  actions: Action[];
  /** Plan again at this time (seconds since the epoch) if nothing happens before. */
  wakeAt?: number;
}

export function plan(cluster: Cluster, limits: Limits, now: number): Plan {
  const context = planContext(limits, now);
  const main = isEnding(cluster) ? planEnd(cluster, context) : planLife(cluster, context);
  const actions = [...main, ...planHolds(cluster, isExtended(cluster, context))];
  return context.wakeAt === undefined ? { actions } : { actions, wakeAt: context.wakeAt };
}

function planLife(cluster: Cluster, context: PlanContext): Action[] {
  const { asked, job, claim, settle } = cluster;
  if ("refused" in asked) return [{ do: "refuse", note: asked.refused }];
  if (!claim) {
    if (job.allocAt === undefined) return [];
    if (!cluster.resources) return [{ do: "read-resources" }];
    return planClaim(job.allocAt + context.bringUpS, context);
  }
  if (!settle) return planBringUp(cluster, context);
  if (settle.outcome === "ready") return planReady(cluster, context);
  return isHeld(cluster) ? [] : [{ do: "raise", note: settle.note ?? "bring-up failed" }];
}

/**
 * Waits for earlier teardowns on the nodes, or claims. The wait takes no longer than a bring-up may
 * take: names, ports and subnets differ between clusters, so the job can start nevertheless.
 */
function planClaim(until: number, context: PlanContext): Action[] {
  const jobs = context.now < until ? [...context.tornDown] : [];
  return [jobs.length > 0 ? { do: "wait-for-nodes", jobs, until } : { do: "claim" }];
}

function planBringUp(cluster: Cluster, context: PlanContext): Action[] {
  const claim = cluster.claim;
  if (!claim) return [];
  const running = runningSteps(cluster).size > 0;
  const gone = lostNode(cluster, context) ?? overdue(cluster, claim.deadline, context);
  const hasConflict = gone === undefined && conflicts(cluster).size > 0;
  if (hasConflict) return running ? [{ do: "stop" }] : [{ do: "claim-others" }];
  const note = gone ?? failure(cluster, context);
  if (note !== undefined) return [{ do: "settle", settle: { outcome: "failed", note } }];
  const steps = bringUpSteps(cluster, context);
  // The cluster is not ready before its optional steps have ended, so that a crash does not leave a
  // token behind.
  const over = steps.length === 0 && !running;
  if (!hasTaken(cluster, { steps: FINISH, rank: claim.lead }, context) || !over) return steps;
  if (optionalWaits(cluster, context)) return [];
  const extend = context.extendFirst && !isDebug(cluster) ? planExtension(cluster, context) : [];
  if (extend.length > 0) return extend;
  return [{ do: "settle", settle: ready(cluster, claim, context) }];
}

function ready(cluster: Cluster, claim: Claim, context: PlanContext): Settle {
  const kubeconfig = `${claim.workdir}/kubeconfig`;
  const dropped = excludedWorkers(cluster, context);
  if (dropped.length === 0) return { outcome: "ready", kubeconfig };
  return { outcome: "ready", kubeconfig, without: encodeIdset(dropped) };
}

function overdue(cluster: Cluster, deadline: number, context: PlanContext): string | undefined {
  if (context.now < deadline) {
    context.wake(deadline);
    return undefined;
  }
  const waiting = [...runningSteps(cluster)].map(
    ([step, ranks]) => `${step} on ${hostsOf(cluster, ranks)}${waitedFor(cluster, step, ranks)}`,
  );
  const on = waiting.length > 0 ? `, waiting for ${waiting.join(" and ")}` : "";
  return `timed out after ${context.bringUpText}${on}`;
}

/** The reported reason why a running step waits. */
function waitedFor(cluster: Cluster, step: Step, ranks: number[]): string {
  const note = ranks.map((rank) => stepState(cluster, step, rank)?.note).find(Boolean);
  return note === undefined ? "" : `: ${note}`;
}

function planReady(cluster: Cluster, context: PlanContext): Action[] {
  const { job } = cluster;
  // Another prolog also holds the job. The time of that hold is known only when it ends.
  const isHeldOn = job.prolog === "counted" && job.otherPrologs.size > 0;
  if (isHeld(cluster) || isHeldOn) return [];
  return [...planExtension(cluster, context), ...planExpiry(cluster, context)];
}

function planEnd(cluster: Cluster, context: PlanContext): Action[] {
  const { claim, settle, teardown, down, job } = cluster;
  if (!claim || down) return [];
  if (!settle) return [{ do: "settle", settle: { outcome: "canceled", note: reason(cluster) } }];
  if (mayHaveTasks(job, context)) return [];
  if (!teardown && runningSteps(cluster).size > 0) return [{ do: "stop" }];
  if (!teardown && isDebug(cluster)) return [{ do: "keep", ranks: ranksOf(cluster) }];
  const steps: Action[] = teardown
    ? planTeardown(cluster, context)
    : [{ do: "begin-teardown", reason: reason(cluster) }];
  return [...planTeardownTime(cluster, context), ...steps];
}

/** Whether tasks may still run. They may need their cluster until they end. */
function mayHaveTasks(job: JobProgress, context: PlanContext): boolean {
  const { startAt, tasksDoneAt, finishAt, releaseAt, clean, fatal } = job;
  const ended = tasksDoneAt ?? finishAt ?? releaseAt;
  if (startAt === undefined || ended !== undefined || clean || !fatal) return false;
  const until = fatal.at + TASKS_END_S;
  if (context.now >= until) return false;
  context.wake(until);
  return true;
}

function planTeardown(cluster: Cluster, context: PlanContext): Action[] {
  const { ready, failed, waiting } = teardownProgress(cluster, ranksOf(cluster), context);
  if (ready.length > 0) return teardownCalls(cluster, ready, context);
  return waiting ? [] : [{ do: "end-teardown", left: failed }];
}

function reason({ job }: Cluster): string {
  if (job.fatal) return job.fatal.note ? `${job.fatal.type}: ${job.fatal.note}` : job.fatal.type;
  return "finish";
}

function hostsOf(cluster: Cluster, ranks: number[]): string {
  const named = ranks.slice(0, 4).map((rank) => hostOf(cluster, rank));
  return ranks.length > 4 ? `${named.join(", ")} and ${ranks.length - 4} more` : named.join(", ");
}
