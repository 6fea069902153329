/** Carries out a call of a plan: sends the steps to the nodes and records the reports. */
import type { Action } from "../lib/cluster/action.js";
import { hostOf, stepState, scheduleOnLead, type Cluster } from "../lib/cluster/state.js";
import { isOfTeardown, type LocalStep, type Step } from "../lib/cluster/steps.js";
import { messageOf, PermanentError } from "../lib/errors.js";
import { encodeIdset } from "../lib/flux/idset.js";
import { elapsed } from "../lib/record/events.js";
import { oneLine } from "../lib/record/notes.js";
import { siteVariables, stepEnvironment } from "../lib/node/environment.js";
import type { StepEnd, StepWait } from "../lib/node/chain-tracker.js";
import { shortNames } from "./step-log.js";
import type { Job } from "./job.js";

type CallAction = Extract<Action, { do: "call" }>;

export async function runSteps(job: Job, action: CallAction): Promise<void> {
  const { cluster, world, session } = job;
  const { claim } = cluster;
  const { steps, ranks, limitS, eachS } = action;
  const [first] = steps;
  if (!claim || !first) return;
  start(job, first, ranks, false);
  logStart(job, action);
  const env = {
    ...stepEnvironment(cluster.jobid, claim, {
      ...job.site,
      scheduleOnLead: scheduleOnLead(cluster) ?? job.site.scheduleOnLead,
      excludedWorkers: job.excludedWorkers(),
    }),
    ...(isOfTeardown(first) ? { USERNETES_STAGED: staged(cluster, ranks) } : {}),
  };
  const userid = claim.userid === world.owner ? undefined : claim.userid;
  const site = siteVariables(cluster.jobid, claim, job.site);
  const { hooks } = job.site.options;
  await session.take({ steps, ranks, env, site, hooks, limitS, eachS }, userid, {
    onEnd: (end) => {
      if (end.step === "join-command") session.joinCommand = end.result;
      finish(job, end);
    },
    onProgress: (progress) => {
      recordProgress(job, progress);
    },
  });
}

/** The ranks that may have a work directory: `stage` has not failed there, nor was it never started. */
function staged(cluster: Cluster, ranks: readonly number[]): string {
  return encodeIdset(
    ranks.filter((rank) => {
      const status = stepState(cluster, "stage", rank)?.status;
      return status !== undefined && status !== "failed";
    }),
  );
}

/** Carries out a step in the daemon; it is recorded under the lead's rank. */
export async function runLocalStep(
  job: Job,
  step: LocalStep,
  act: () => Promise<void>,
): Promise<void> {
  const rank = job.cluster.claim?.lead ?? 0;
  start(job, step, [rank], false);
  const failure = await act().then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  finish(job, {
    step,
    rank,
    status: failure ? "failed" : "ok",
    note: failure ? oneLine(messageOf(failure.error)) : "",
    fault: failure?.error instanceof PermanentError ? "permanent" : undefined,
    shared: false,
    result: undefined,
    tail: [],
    next: undefined,
    more: false,
  });
}

function start(job: Job, step: Step, ranks: number[], more: boolean): void {
  const attempt = (stepState(job.cluster, step, ranks[0] ?? 0)?.attempt ?? 0) + 1;
  const context = { step, ranks: encodeIdset(ranks), attempt };
  if (attempt > 1) job.world.meter?.retry(step, ranks.length);
  job.step({ timestamp: job.world.clock.now(), name: "step-start", context }, more);
  job.say("trace", `${step}: begins on ranks ${context.ranks}`, { step, ranks, status: "begins" });
}

/** Records the reason why a running step waits, for `status` and for the exception's note. */
function recordProgress(job: Job, { step, rank, note }: StepWait): void {
  const running = stepState(job.cluster, step, rank);
  if (running?.status !== "running" || running.note === note) return;
  const context = { step, ranks: String(rank), attempt: running.attempt, note };
  job.step({ timestamp: job.world.clock.now(), name: "step-progress", context }, false);
  job.say("debug", `${step}: ${hostOf(job.cluster, rank)}: waiting for ${note}`);
}

/** Logs one line for each call, because its steps follow each other on each rank. */
function logStart(job: Job, { steps, ranks }: CallAction): void {
  const [first] = steps;
  const attempt = first ? stepState(job.cluster, first, ranks[0] ?? 0)?.attempt : undefined;
  const tried = attempt !== undefined && attempt > 1 ? `, try ${attempt}` : "";
  job.say("info", `${steps.join(", ")}: begins on ${shortNames(job.cluster, ranks)}${tried}`);
}

type End = Omit<StepEnd, "step"> & { step: Step };

function finish(job: Job, end: End): void {
  const { step, rank, status, note, fault, shared, tail, next, more } = end;
  const { cluster, world } = job;
  const started = stepState(cluster, step, rank);
  const timestamp = world.clock.now();
  const seconds = elapsed(started?.at ?? timestamp, timestamp);
  const attempt = started?.attempt ?? 1;
  const context = {
    step,
    ranks: String(rank),
    attempt,
    status,
    seconds,
    ...(note ? { note } : {}),
    ...(fault ? { fault } : {}),
    ...(shared ? { shared } : {}),
  };
  job.step({ timestamp, name: "step-finish", context }, more, tail);
  world.meter?.step({ step, status, seconds });
  const { allocAt } = cluster.job;
  if (step === "wait-nodes" && status === "ok" && allocAt !== undefined)
    world.meter?.nodesReady(timestamp - allocAt);
  job.logStepEnd({ step, rank, attempt, status, note, seconds, tail }, more);
  if (next) start(job, next, [rank], more);
}
