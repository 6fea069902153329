/** The summary of a cluster that `list` prints. Pure: time is an argument. */
import { displayState, stepState, ranksOf, type Cluster } from "../cluster/state.js";
import { decodeIdset } from "../flux/idset.js";
import type { RecordEvent } from "../record/events.js";
import type { SeenJob } from "./job.js";
import type { Paint } from "./terminal.js";

/**
 * `waiting` before the claim; then the states of the memo usernetes.state except `canceled`; after
 * the end `gone`, `left` (with leftovers) or `kept` (for debugging).
 */
export type State =
  "waiting" | "starting" | "ready" | "failed" | "held" | "stopping" | "gone" | "kept" | "left";

export interface Summary {
  jobid: bigint;
  user: string;
  userid: number;
  state: State;
  /** The number of nodes that are part of the cluster now. */
  ready: number;
  nodes: number;
  engine: string;
  lead: string;
  hosts: string[];
  ranks: string;
  workdir: string;
  /** Seconds since the epoch. */
  claimedAt: number;
  settledAt?: number;
  downAt?: number;
}

/** Undefined for a job that has no cluster (yet). */
export function summarize({ cluster, record }: SeenJob, user: string): Summary | undefined {
  const { claim, jobid, userid, settledAt } = cluster;
  if (!claim) return undefined;
  const ranks = ranksOf(cluster);
  const { down } = cluster;
  // A cluster that is kept for debugging still exists.
  const downAt = down && !down.kept ? timeOf(record, "down") : undefined;
  return {
    ...{ jobid, user, userid, state: stateOf(cluster), ready: readyNodes(cluster) },
    nodes: ranks.length,
    engine: claim.engine,
    lead: claim.hosts[ranks.indexOf(claim.lead)] ?? "?",
    hosts: claim.hosts,
    ranks: claim.ranks,
    workdir: claim.workdir,
    claimedAt: timeOf(record, "claim") ?? 0,
    ...(settledAt === undefined ? {} : { settledAt }),
    ...(downAt === undefined ? {} : { downAt }),
  };
}

export function stateOf(cluster: Cluster): State {
  const { down, claim, teardown } = cluster;
  if (down?.kept) return "kept";
  if (down) return down.left.length > 0 ? "left" : "gone";
  if (!claim) return "waiting";
  if (teardown) return "stopping";
  const state = displayState(cluster);
  // The bring-up was canceled, but the end of the job has not been read yet.
  return state === "canceled" ? "stopping" : ((state as State | undefined) ?? "waiting");
}

/** The number of nodes that have joined; 0 after the teardown has started. */
function readyNodes(cluster: Cluster): number {
  const { claim, settle } = cluster;
  if (!claim || ["stopping", "gone", "left"].includes(stateOf(cluster))) return 0;
  const ranks = ranksOf(cluster);
  if (settle?.outcome === "ready") return ranks.length - decodeIdset(settle.without ?? "").length;
  const lastStep = (rank: number) => (rank === claim.lead ? "kubeadm-init" : "kubeadm-join");
  return ranks.filter((rank) => stepState(cluster, lastStep(rank), rank)?.status === "ok").length;
}

/**
 * The time of the last `down` or of the first claim, in seconds since the epoch. A cluster whose
 * claim was repeated with other ports is as old as its first claim.
 */
function timeOf(record: RecordEvent[], name: "claim" | "down"): number | undefined {
  const all = record.filter((event) => event.name === name);
  return (name === "claim" ? all[0] : all.at(-1))?.timestamp;
}

/** The age of the cluster, or its lifetime if it is down, in seconds. */
export function ageOf({ claimedAt, downAt }: Summary, now: number): number {
  return Math.max(0, (downAt ?? now) - claimedAt);
}

/**
 * The summary as JSON, with stable names. `id` is a string, because some JSON parsers lose digits
 * of 64-bit integers.
 */
export function summaryJson(summary: Summary, now: number, name: string) {
  const { jobid, claimedAt, settledAt, downAt, ready, nodes, ...rest } = summary;
  return {
    jobid: name,
    id: String(jobid),
    ...rest,
    nodes: { ready, asked: nodes },
    age: Math.round(ageOf(summary, now) * 1000) / 1000,
    t_claim: claimedAt,
    t_settle: settledAt ?? null,
    t_down: downAt ?? null,
  };
}

export const COLOURS: Partial<Record<State, Paint>> = {
  ...{ ready: "green", held: "yellow", starting: "blue", stopping: "blue" },
  ...{ failed: "red", left: "red", kept: "yellow", gone: "dim" },
};
