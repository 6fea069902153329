/**
 * Finds the steps that may start now, and their ranks. A rank runs its steps one after the other
 * without waiting for other ranks, so consecutive steps go into one call.
 */
import { excludedWorkers } from "./failures.js";
import type { Action } from "./action.js";
import { retryable, type PlanContext } from "./retry.js";
import { stepState, ranksOf, type Cluster } from "./state.js";
import {
  CONTROL_PLANE,
  FINISH,
  JOIN,
  OPTIONAL_STEPS,
  PREPARE,
  rowOf,
  STEPS,
  TEARDOWN,
  type LocalStep,
  type NodeStep,
  type Step,
} from "./steps.js";

const isOk = (cluster: Cluster, step: Step, rank: number) =>
  stepState(cluster, step, rank)?.status === "ok";

/** Whether a rank has finished all of these steps, except skipped and optional ones. */
export const hasTaken = (
  cluster: Cluster,
  { steps, rank }: { steps: readonly Step[]; rank: number },
  { skipped }: Pick<PlanContext, "skipped">,
): boolean =>
  steps.every((step) => skipped.has(step) || OPTIONAL_STEPS.has(step) || isOk(cluster, step, rank));

export function bringUpSteps(cluster: Cluster, context: PlanContext): Action[] {
  const claim = cluster.claim;
  if (!claim) return [];
  const dropped = new Set(excludedWorkers(cluster, context));
  const ranks = ranksOf(cluster).filter((rank) => !dropped.has(rank));
  const workers = ranks.filter((rank) => rank !== claim.lead);
  const calls = (chain: readonly NodeStep[], on: number[]) => chains(cluster, chain, on, context);
  const isUp = (rank: number) => hasTaken(cluster, { steps: PREPARE, rank }, context);
  const actions: Action[] = calls(PREPARE, ranks);
  if (!isUp(claim.lead)) return actions;
  if (workers.length + dropped.size === 0) {
    const steps = CONTROL_PLANE.filter((step) => step !== "join-command");
    actions.push(...calls([...steps, ...FINISH], ranks));
    return actions;
  }
  const published = isOk(cluster, "publish-join", claim.lead);
  const joined = workers.every((rank) => isOk(cluster, "kubeadm-join", rank));
  const hasJoinCommand = published || joined || isOk(cluster, "join-command", claim.lead);
  const others = CONTROL_PLANE.filter((step) => step !== "join-command");
  const started = hasJoinCommand && hasTaken(cluster, { steps: others, rank: claim.lead }, context);
  if (!started) {
    const rest = CONTROL_PLANE.filter((step) => step !== "join-command" || !hasJoinCommand);
    actions.push(...calls(rest, [claim.lead]));
  }
  if (hasJoinCommand && !joined) actions.push(...local(cluster, "publish-join", context));
  if (!published && !joined) return actions;
  actions.push(...calls(JOIN, fanout(cluster, workers.filter(isUp), context)));
  if (!started || !joined) return actions;
  return [
    ...actions,
    ...calls(FINISH, [claim.lead]),
    ...(published ? local(cluster, "remove-archive", context) : []),
  ];
}

/**
 * Returns the workers that may join now. At most `joinFanout` workers join at a time, because an
 * API server fails under hundreds of joins. More workers join in whole portions: a call for each
 * free place would make as many calls as ranks, and as many events in the record.
 */
function fanout(cluster: Cluster, workers: number[], context: PlanContext): number[] {
  const busy = (rank: number) =>
    JOIN.some((step) => stepState(cluster, step, rank)?.status === "running");
  const joining = workers.filter(busy).length;
  const next = (rank: number) => JOIN.find((step) => !isOk(cluster, step, rank));
  const may = (rank: number) => {
    const step = next(rank);
    return step && retryable(step, stepState(cluster, step, rank), context) === "now";
  };
  const ready = workers.filter(may);
  if (joining === 0) return ready.slice(0, context.joinFanout);
  return joining + ready.length <= context.joinFanout ? ready : [];
}

/** Groups the ranks by their remaining steps of the chain, and makes one call for each group. */
function chains(
  cluster: Cluster,
  chain: readonly NodeStep[],
  ranks: number[],
  context: PlanContext,
): Action[] {
  const groups = new Map<string, Extract<Action, { do: "call" }>>();
  // An optional step does not delay the steps after it.
  const isPassed = (step: NodeStep, rank: number) =>
    OPTIONAL_STEPS.has(step) && retryable(step, stepState(cluster, step, rank), context) !== "now";
  for (const rank of ranks) {
    const left = chain.filter(
      (step) => !context.skipped.has(step) && !isOk(cluster, step, rank) && !isPassed(step, rank),
    );
    const next = left[0];
    if (!next || chain.some((step) => stepState(cluster, step, rank)?.status === "running"))
      continue;
    if (retryable(next, stepState(cluster, next, rank), context) !== "now") continue;
    const attempt = (stepState(cluster, next, rank)?.attempt ?? 0) + 1;
    const key = `${left.join()} ${attempt}`;
    const group = groups.get(key);
    if (group) group.ranks.push(rank);
    else
      groups.set(key, {
        do: "call",
        steps: left,
        ranks: [rank],
        limitS: limit(cluster, context),
      });
  }
  return [...groups.values()];
}

function local(cluster: Cluster, step: LocalStep, context: PlanContext): Action[] {
  const at = stepState(cluster, step, cluster.claim?.lead ?? 0);
  if (retryable(step, at, context) !== "now") return [];
  return [{ do: "local", step }];
}

/** Whether an optional step will be tried again later. */
export function optionalWaits(cluster: Cluster, context: PlanContext): boolean {
  const lead = cluster.claim?.lead ?? 0;
  return [...OPTIONAL_STEPS].some(
    (step) => retryable(step, stepState(cluster, step, lead), context) === "later",
  );
}

/** The remaining time of the bring-up, in whole seconds, at least one. */
function limit(cluster: Cluster, context: PlanContext): number {
  return Math.max(1, Math.ceil((cluster.claim?.deadline ?? context.now) - context.now));
}

export function runningSteps(cluster: Cluster): Map<Step, number[]> {
  const running = new Map<Step, number[]>();
  for (const step of STEPS) {
    const ranks: number[] = [];
    for (const [rank, { status }] of cluster.steps.get(step) ?? [])
      if (status === "running") ranks.push(rank);
    if (ranks.length > 0) running.set(step, ranks);
  }
  return running;
}

/**
 * Makes the calls that tear down these ranks, whose down-v may start. Each rank runs its hook
 * first. If the hook fails, down-v follows in a separate call. A rank whose hook is still running
 * waits for the hook.
 */
export function teardownCalls(
  cluster: Cluster,
  ranks: readonly number[],
  context: PlanContext,
): Action[] {
  const hook = "before-down";
  const may = (rank: number) =>
    context.skipped.has(hook) ? "done" : retryable(hook, stepState(cluster, hook, rank), context);
  const call = (steps: readonly NodeStep[], on: number[], moreS: number): Action[] =>
    on.length === 0
      ? []
      : [
          {
            do: "call",
            steps: [...steps],
            ranks: on,
            limitS: context.teardownS + moreS,
            eachS: context.teardownS,
          },
        ];
  const isDue = (...words: string[]) => ranks.filter((rank) => words.includes(may(rank)));
  return [
    ...call(TEARDOWN, isDue("now"), rowOf(hook).limitS ?? 0),
    ...call(["down-v"], isDue("done", "never", "later"), 0),
  ];
}

/**
 * Finds the ranks that may be torn down now (`ready`), and those that may not (`failed`): they
 * failed for good, or they are lost and will be cleaned when they are back. `waiting`: other ranks
 * are running or will be tried again.
 */
export function teardownProgress(
  cluster: Cluster,
  ranks: readonly number[],
  context: PlanContext,
): { ready: number[]; failed: number[]; waiting: boolean } {
  const may = (rank: number) => {
    const state = retryable("down-v", stepState(cluster, "down-v", rank), context);
    return context.lost.has(rank) && (state === "now" || state === "later") ? "never" : state;
  };
  const all = ranks.map((rank) => ({ rank, may: may(rank) }));
  const ranksThat = (state: ReturnType<typeof may>) =>
    all.filter((each) => each.may === state).map((each) => each.rank);
  const waiting = ranksThat("later").length + ranksThat("running").length > 0;
  return { ready: ranksThat("now"), failed: ranksThat("never"), waiting };
}
