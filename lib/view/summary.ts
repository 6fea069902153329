/** A cluster in short, for `list`. Pure: time is an argument. */
import { displayState, stepState, ranksOf, type Cluster } from "../cluster/state.js";
import { decodeIdset } from "../flux/idset.js";
import type { RecordEvent } from "../record/events.js";
import type { SeenJob } from "./job.js";
import type { Paint } from "./terminal.js";

/** The states of the memo, and those of a removed cluster. */
export type State =
  "waiting" | "starting" | "ready" | "failed" | "held" | "stopping" | "gone" | "kept" | "left";

export interface Summary {
  jobid: bigint;
  user: string;
  userid: number;
  state: State;
  /** Nodes that are part of the cluster now. */
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
  // One that is kept for debugging is still there.
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
  // Canceled, and not seen to be over yet.
  return state === "canceled" ? "stopping" : ((state as State | undefined) ?? "waiting");
}

/** Nodes that have joined, until the cluster is taken down. */
function readyNodes(cluster: Cluster): number {
  const { claim, settle } = cluster;
  if (!claim || ["stopping", "gone", "left"].includes(stateOf(cluster))) return 0;
  const ranks = ranksOf(cluster);
  if (settle?.outcome === "ready") return ranks.length - decodeIdset(settle.without ?? "").length;
  const lastStep = (rank: number) => (rank === claim.lead ? "kubeadm-init" : "kubeadm-join");
  return ranks.filter((rank) => stepState(cluster, lastStep(rank), rank)?.status === "ok").length;
}

/** The last of its kind counts, but a repeated claim is as old as its first. */
function timeOf(record: RecordEvent[], name: "claim" | "down"): number | undefined {
  const all = record.filter((event) => event.name === name);
  return (name === "claim" ? all[0] : all.at(-1))?.timestamp;
}

/** The age or the lifetime of the cluster in seconds. */
export function ageOf({ claimedAt, downAt }: Summary, now: number): number {
  return Math.max(0, (downAt ?? now) - claimedAt);
}

/** Stable names; ids are strings, since they may be larger than what JSON's readers keep. */
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
/** Of a cluster's state. */

export const COLOURS: Partial<Record<State, Paint>> = {
  ...{ ready: "green", held: "yellow", starting: "blue", stopping: "blue" },
  ...{ failed: "red", left: "red", kept: "yellow", gone: "dim" },
};
