/**
 * Which steps may be taken now, by which ranks. A rank's steps go one after the
 * other without waiting for other ranks: those that come next together go into
 * one call.
 */
import { without } from "./failures.js";
import type { Action } from "./action.js";
import { retryable, type Retry } from "./retry.js";
import { progress, ranksOf, type Cluster } from "./state.js";
import {
  CONTROL_PLANE,
  FINISH,
  JOIN,
  OPTIONAL_STEPS,
  PREPARE,
  STEPS,
  type LocalStep,
  type NodeStep,
  type Step,
} from "./steps.js";

const is = (cluster: Cluster, step: Step, rank: number) =>
  progress(cluster, step, rank)?.status === "ok";

export function bringUpSteps(cluster: Cluster, facts: Retry): Action[] {
  const claim = cluster.claim;
  if (!claim) return [];
  const dropped = new Set(without(cluster, facts));
  const ranks = ranksOf(cluster).filter((rank) => !dropped.has(rank));
  const workers = ranks.filter((rank) => rank !== claim.lead);
  const calls = (chain: readonly NodeStep[], on: number[]) => {
    const steps = chain.filter((step) => !facts.skipped.has(step));
    return chains(cluster, steps, on, facts);
  };
  const isUp = (rank: number) => is(cluster, "up", rank);
  const actions: Action[] = calls(PREPARE, ranks);
  if (!isUp(claim.lead)) return actions;
  if (workers.length + dropped.size === 0) {
    const alone = CONTROL_PLANE.filter((step) => step !== "join-command");
    actions.push(...calls([...alone, ...FINISH], ranks));
    return actions;
  }
  const published = is(cluster, "publish-join", claim.lead);
  const joined = workers.every((rank) => is(cluster, "kubeadm-join", rank));
  const made = published || joined || is(cluster, "join-command", claim.lead);
  const started = made && is(cluster, "kubeconfig", claim.lead);
  if (!started) {
    const rest = CONTROL_PLANE.filter((step) => step !== "join-command" || !made);
    actions.push(...calls(rest, [claim.lead]));
  }
  if (made && !joined) actions.push(...local(cluster, "publish-join", facts));
  if (!published && !joined) return actions;
  actions.push(...calls(JOIN, fanout(cluster, workers.filter(isUp), facts)));
  if (!started || !joined) return actions;
  return [
    ...actions,
    ...calls(FINISH, [claim.lead]),
    ...(published ? local(cluster, "remove-archive", facts) : []),
  ];
}

/**
 * At most `joinFanout` joins at a time: an API server fails under hundreds. Where more are
 * to come, they go by whole portions: a call for each that finds room would be as many
 * calls as ranks, and as many events in the record.
 */
function fanout(cluster: Cluster, workers: number[], facts: Retry): number[] {
  const busy = (rank: number) =>
    JOIN.some((step) => progress(cluster, step, rank)?.status === "running");
  const joining = workers.filter(busy).length;
  const next = (rank: number) => JOIN.find((step) => !is(cluster, step, rank));
  const may = (rank: number) => {
    const step = next(rank);
    return step && retryable(step, progress(cluster, step, rank), facts) === "now";
  };
  const ready = workers.filter(may);
  if (joining === 0) return ready.slice(0, facts.joinFanout);
  return joining + ready.length <= facts.joinFanout ? ready : [];
}

/** The ranks grouped by their remaining steps of the chain: one call per group. */
function chains(
  cluster: Cluster,
  chain: readonly NodeStep[],
  ranks: number[],
  facts: Retry,
): Action[] {
  const groups = new Map<string, Extract<Action, { do: "call" }>>();
  // What a cluster is ready without holds up nothing that comes after it.
  const isPassed = (step: NodeStep, rank: number) =>
    OPTIONAL_STEPS.has(step) && retryable(step, progress(cluster, step, rank), facts) !== "now";
  for (const rank of ranks) {
    const left = chain.filter((step) => !is(cluster, step, rank) && !isPassed(step, rank));
    const next = left[0];
    if (!next || chain.some((step) => progress(cluster, step, rank)?.status === "running"))
      continue;
    if (retryable(next, progress(cluster, next, rank), facts) !== "now") continue;
    const attempt = (progress(cluster, next, rank)?.attempt ?? 0) + 1;
    const key = `${left.join()} ${attempt}`;
    const group = groups.get(key);
    if (group) group.ranks.push(rank);
    else
      groups.set(key, {
        do: "call",
        steps: left,
        ranks: [rank],
        limitS: limit(cluster, facts),
      });
  }
  return [...groups.values()];
}

function local(cluster: Cluster, step: LocalStep, facts: Retry): Action[] {
  const at = progress(cluster, step, cluster.claim?.lead ?? 0);
  if (retryable(step, at, facts) !== "now") return [];
  return [{ do: "local", step }];
}

/** Something that a cluster is ready without is to be tried again, later. */
export function optionalWaits(cluster: Cluster, facts: Retry): boolean {
  const lead = cluster.claim?.lead ?? 0;
  return [...OPTIONAL_STEPS].some(
    (step) => retryable(step, progress(cluster, step, lead), facts) === "later",
  );
}

/** The remaining time of the bring-up, in whole seconds, at least one. */
function limit(cluster: Cluster, facts: Retry): number {
  return Math.max(1, Math.ceil((cluster.claim?.deadline ?? facts.now) - facts.now));
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
 * Which ranks may be torn down now, and which not: they failed for good, or are
 * lost and will be cleaned when they are back. `waiting` for some that may yet.
 */
export function teardownProgress(
  cluster: Cluster,
  ranks: readonly number[],
  facts: Retry,
): { ready: number[]; failed: number[]; waiting: boolean } {
  const may = (rank: number) => {
    const word = retryable("down-v", progress(cluster, "down-v", rank), facts);
    return facts.lost.has(rank) && (word === "now" || word === "later") ? "never" : word;
  };
  const all = ranks.map((rank) => ({ rank, may: may(rank) }));
  const only = (word: ReturnType<typeof may>) =>
    all.filter((each) => each.may === word).map((each) => each.rank);
  const waiting = only("later").length + only("running").length > 0;
  return { ready: only("now"), failed: only("never"), waiting };
}
