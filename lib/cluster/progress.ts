/**
 * Which steps may be taken now, by which ranks. A rank's steps go one after the
 * other without waiting for other ranks: those that come next together go into
 * one call.
 */
import type { Action } from "./plan.js";
import { hostOf, progress, ranksOf, type Cluster, type Progress } from "./state.js";
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

export interface Limits {
  /** How often a step is tried; a step that is not here: once. */
  attempts: Partial<Record<Step, number>>;
  joinFanout: number;
  bringUpText: string;
  teardownS: number;
  extendTimeLimit: boolean;
  /** Its broker is not up. */
  isLost: (rank: number) => boolean;
}

/** The limits, the time, and the earliest time at which more can be done. */
export interface Retry extends Limits {
  now: number;
  wakeAt?: number;
  wake(at: number): void;
}

export function limitsOf(limits: Limits, now: number): Retry {
  return {
    ...limits,
    now,
    wake(at) {
      this.wakeAt = Math.min(this.wakeAt ?? Infinity, at);
    },
  };
}

/**
 * How often a step is tried at the least that was lost on a node that is up: its
 * flux exec died, which says nothing of the step. Each is safe to repeat.
 */
const LOST_TRIES = 3;

/** Pauses between tries grow: 1, 2, 4 ... seconds. */
export function retryable(
  step: Step,
  at: Progress | undefined,
  facts: Retry,
): "now" | "later" | "running" | "never" | "done" {
  if (!at) return "now";
  if (at.status === "ok") return "done";
  if (at.status === "running") return "running";
  if (at.fault) return "never";
  const tries = Math.max(facts.attempts[step] ?? 1, at.status === "lost" ? LOST_TRIES : 1);
  if (at.attempt >= tries) return "never";
  const next = at.at + 2 ** (at.attempt - 1);
  if (facts.now >= next) return "now";
  facts.wake(next);
  return "later";
}

/** How often a cluster takes other ports and subnets. */
const ROUNDS = 8;

/** The ranks where `up` found ports or a subnet taken, while others may still be tried. */
export function conflicts(cluster: Cluster): Map<number, "port" | "subnet"> {
  const found = new Map<number, "port" | "subnet">();
  if ((cluster.claim?.avoid?.length ?? 0) >= ROUNDS) return found;
  for (const [rank, { fault }] of cluster.steps.get("up") ?? [])
    if (fault === "port" || fault === "subnet") found.set(rank, fault);
  return found;
}

/** The steps that a cluster may go on without a worker for. */
const TOLERATED: Step[] = [...PREPARE, ...JOIN];

/** The workers that failed for good, if the job tolerates so many. */
export function without(cluster: Cluster, facts: Retry): number[] {
  const { asked, claim } = cluster;
  const most = "asks" in asked && asked.asks ? asked.request.tolerate : 0;
  if (most === 0) return [];
  const quiet = { ...facts, wake: () => undefined };
  const failed = ranksOf(cluster).filter(
    (rank) =>
      rank !== claim?.lead &&
      TOLERATED.some((step) => retryable(step, progress(cluster, step, rank), quiet) === "never"),
  );
  return failed.length > most ? [] : failed;
}

const is = (cluster: Cluster, step: Step, rank: number) =>
  progress(cluster, step, rank)?.status === "ok";

export function bringUpSteps(cluster: Cluster, facts: Retry): Action[] {
  const claim = cluster.claim;
  if (!claim) return [];
  const dropped = new Set(without(cluster, facts));
  const ranks = ranksOf(cluster).filter((rank) => !dropped.has(rank));
  const workers = ranks.filter((rank) => rank !== claim.lead);
  const calls = (chain: readonly NodeStep[], on: number[]) => chains(cluster, chain, on, facts);
  const isUp = (rank: number) => is(cluster, "up", rank);
  const actions: Action[] = calls(PREPARE, ranks);
  if (!isUp(claim.lead)) return actions;
  if (workers.length + dropped.size === 0) {
    actions.push(...calls([...CONTROL_PLANE, ...FINISH], ranks));
    // kubeadm-init makes a token whether anybody joins or not.
    if (is(cluster, "kubeadm-init", claim.lead)) actions.push(...calls(["delete-token"], ranks));
    return actions;
  }
  if (!is(cluster, "publish-join", claim.lead)) {
    actions.push(...calls([...CONTROL_PLANE, "join-command"], [claim.lead]));
    if (is(cluster, "join-command", claim.lead))
      actions.push(...local(cluster, "publish-join", facts));
    return actions;
  }
  actions.push(...calls(JOIN, fanout(cluster, workers.filter(isUp), facts)));
  if (!workers.every((rank) => is(cluster, "kubeadm-join", rank))) return actions;
  return [
    ...actions,
    ...calls(FINISH, [claim.lead]),
    ...calls(["delete-token"], [claim.lead]),
    ...local(cluster, "remove-archive", facts),
  ];
}

/** At most `joinFanout` joins at a time: an API server fails under hundreds. */
function fanout(cluster: Cluster, workers: number[], facts: Retry): number[] {
  const busy = (rank: number) =>
    JOIN.some((step) => progress(cluster, step, rank)?.status === "running");
  const room = facts.joinFanout - workers.filter(busy).length;
  const next = (rank: number) => JOIN.find((step) => !is(cluster, step, rank));
  const may = (rank: number) => {
    const step = next(rank);
    return step && retryable(step, progress(cluster, step, rank), facts) === "now";
  };
  return workers.filter(may).slice(0, Math.max(0, room));
}

/** The ranks grouped by what of the chain is left to them: one call a group. */
function chains(
  cluster: Cluster,
  chain: readonly NodeStep[],
  ranks: number[],
  facts: Retry,
): Action[] {
  const groups = new Map<string, Extract<Action, { do: "call" }>>();
  for (const rank of ranks) {
    const left = chain.filter((step) => !is(cluster, step, rank));
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

/** What is left of the bring-up's time, in whole seconds, at least one. */
function limit(cluster: Cluster, facts: Retry): number {
  return Math.max(1, Math.ceil((cluster.claim?.deadline ?? facts.now) - facts.now));
}

export function runningSteps(cluster: Cluster): Map<Step, number[]> {
  const running = new Map<Step, number[]>();
  for (const step of STEPS)
    for (const [rank, at] of cluster.steps.get(step) ?? [])
      if (at.status === "running") running.set(step, [...(running.get(step) ?? []), rank]);
  return running;
}

/** A node that is gone, in the words of the exception's note. */
export function lostNode(cluster: Cluster, facts: Retry): string | undefined {
  const lost = ranksOf(cluster).find(facts.isLost);
  return lost === undefined
    ? undefined
    : `${hostOf(cluster, lost)} was lost while its cluster came up`;
}

/** The first step that failed for good, in the words of the exception's note. */
export function failure(cluster: Cluster, facts: Retry): string | undefined {
  const dropped = new Set(without(cluster, facts));
  for (const step of STEPS) {
    if (OPTIONAL_STEPS.has(step) || step === "down-v") continue;
    for (const [rank, at] of cluster.steps.get(step) ?? []) {
      if (dropped.has(rank)) continue;
      if (retryable(step, at, { ...facts, wake: () => undefined }) === "never")
        return describeFailure(cluster, { step, rank, at });
    }
  }
  return undefined;
}

/** `up failed on node1 (rank 1) (2 tries): exit 2: no space`, `up on node1 (rank 1): timed out after 60 s` */
export function describeFailure(
  cluster: Cluster,
  { step, rank, at }: { step: Step; rank: number; at: Progress },
): string {
  const tries = at.attempt > 1 ? ` (${at.attempt} tries)` : "";
  const what = at.status === "timeout" ? step : `${step} failed`;
  return `${what} on ${hostOf(cluster, rank)}${tries}: ${at.note}`;
}

/**
 * Which ranks may be torn down now, and which not: they failed for good, or are
 * lost and will be cleaned when they are back. `waiting` for some that may yet.
 */
export function teardownProgress(
  cluster: Cluster,
  ranks: number[],
  facts: Retry,
): { ready: number[]; failed: number[]; waiting: boolean } {
  const may = (rank: number) => {
    const word = retryable("down-v", progress(cluster, "down-v", rank), facts);
    return facts.isLost(rank) && (word === "now" || word === "later") ? "never" : word;
  };
  const all = ranks.map((rank) => ({ rank, may: may(rank) }));
  const only = (word: ReturnType<typeof may>) =>
    all.filter((each) => each.may === word).map((each) => each.rank);
  const waiting = only("later").length + only("running").length > 0;
  return { ready: only("now"), failed: only("never"), waiting };
}
