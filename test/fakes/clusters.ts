/** Makes clusters in any state from the events that lead to it, and describes plans briefly. */
import { foldJobEvent, foldRecordEvent, type JobEvent } from "../../lib/cluster/fold.js";
import { plan } from "../../lib/cluster/plan.js";
import { skippedSteps } from "../../lib/cluster/skipped.js";
import { type Action } from "../../lib/cluster/action.js";
import type { Limits } from "../../lib/cluster/retry.js";
import { parseRequest } from "../../lib/cluster/request.js";
import { newCluster, type Cluster } from "../../lib/cluster/state.js";
import type { Step } from "../../lib/cluster/steps.js";
import { DEFAULT_OPTIONS } from "../../lib/config/template.js";
import { encodeIdset } from "../../lib/flux/idset.js";
import type { Claim, Fault, RecordEvent, StepStatus } from "../../lib/record/events.js";

export const BEGIN = 1000;

export const LIMITS: Limits = {
  attempts: { up: 2, "kubeadm-join": 3, "down-v": 2 },
  joinFanout: 64,
  skipped: skippedSteps(DEFAULT_OPTIONS),
  bringUpText: "15m",
  bringUpS: 900,
  teardownS: 300,
  extendTimeLimit: true,
  extendFirst: false,
  lost: new Set<number>(),
  tornDown: [],
};

export const emptyCluster = (user: Record<string, unknown> = {}, duration = 0): Cluster =>
  newCluster({
    jobid: 179836689580032n,
    userid: 500,
    asked: parseRequest({ usernetes: "yes", ...user }),
    duration,
  });

export function claimOf(ranks: string, hosts: string[]): Claim {
  return {
    version: 1,
    ranks,
    lead: Number(/^[0-9]+/.exec(ranks)?.[0]),
    hosts,
    userid: 500,
    engine: "docker",
    workdir: "/tmp/usernetes-ƒ2qt1hsjy5",
    project: "usernetes-2qt1hsjy5",
    ports: { etcd: 20000, kubelet: 20001, flannel: 20002, apiserver: 20003 },
    subnet: "10.100.0.0/24",
    deadline: BEGIN + 900,
  };
}

type Context = Record<string, unknown>;

/** Folds job events into the cluster. Each event is a name, or a name with its context. */
export function seen(cluster: Cluster, ...events: (string | [string, Context])[]): Cluster {
  for (const event of events) foldJobEvent(cluster, jobEvent(event));
  return cluster;
}

export function jobEvent(event: string | [string, Context], timestamp = BEGIN): JobEvent {
  return typeof event === "string"
    ? { timestamp, name: event }
    : { timestamp, name: event[0], context: event[1] };
}

export const OURS = { description: "usernetes" };
export const CANCEL: [string, Context] = ["exception", { type: "cancel", severity: 0, note: "" }];

export function recorded(cluster: Cluster, ...events: RecordEvent[]): Cluster {
  for (const event of events) foldRecordEvent(cluster, event);
  return cluster;
}

/** Returns a claimed cluster of ranks 0-2 after these steps, such as `stage 0-2`. */
export function claimed(...done: string[]): Cluster {
  const cluster = seen(emptyCluster(), "submit", ["prolog-start", OURS], "alloc");
  recorded(cluster, claimEvent());
  for (const line of done) recorded(cluster, step(line));
  return cluster;
}

export const claimEvent = (): RecordEvent => ({
  timestamp: BEGIN,
  name: "claim",
  context: claimOf("0-2", ["a", "b", "c"]),
});

/**
 * Makes the record's event for a step, such as `stage 0-2`, `up 1 failed`, `up 1 running` or
 * `up 1 shared`.
 */
export function step(
  words: string,
  {
    attempt = 1,
    at = BEGIN,
    note = "",
    fault,
  }: { attempt?: number; at?: number; note?: string; fault?: Fault } = {},
): RecordEvent {
  const [name = "", ranks = "", status = "ok"] = words.split(" ");
  const shared = status === "shared";
  const context = { step: name as Step, ranks, attempt };
  if (status === "running") return { timestamp: at, name: "step-start", context };
  return {
    timestamp: at,
    name: "step-finish",
    context: {
      ...{ ...context, status: shared ? "ok" : (status as StepStatus), seconds: 1, note },
      ...(shared ? { shared } : {}),
      ...(fault === undefined ? {} : { fault }),
    },
  };
}

/** Makes the event that reports what a running step, such as `wait-ready 0`, waits for. */
export function waits(words: string, note: string, attempt = 1): RecordEvent {
  const [name = "", ranks = ""] = words.split(" ");
  const context = { step: name as Step, ranks, attempt, note };
  return { timestamp: BEGIN, name: "step-progress", context };
}

export const settle = (outcome: "ready" | "failed" | "canceled", note?: string): RecordEvent => ({
  timestamp: BEGIN,
  name: "settle",
  context: note === undefined ? { outcome } : { outcome, note },
});

export const teardown = (reason: string, timeout?: number): RecordEvent => ({
  timestamp: BEGIN,
  name: "teardown-start",
  context: timeout === undefined ? { reason } : { reason, timeout },
});

export const down = (...left: number[]): RecordEvent => ({
  timestamp: BEGIN,
  name: "down",
  context: { left },
});

export function planned(cluster: Cluster, now = BEGIN, limits: Partial<Limits> = {}): string[] {
  return plan(cluster, { ...LIMITS, ...limits }, now).actions.map(describeAction);
}

export function describeAction(action: Action): string {
  switch (action.do) {
    case "call":
      return `ranks ${encodeIdset(action.ranks)}: ${action.steps.join(", ")}`;
    case "local":
      return `here: ${action.step}`;
    case "settle":
      return `settle ${action.settle.outcome}${action.settle.note ? `: ${action.settle.note}` : ""}`;
    case "refuse":
    case "raise":
      return `${action.do}: ${action.note}`;
    case "extend":
      return `extend to ${action.duration} s`;
    case "wait-for-nodes":
      return `wait-for-nodes: ${action.jobs.join()}`;
    case "begin-teardown":
      return `begin-teardown: ${action.reason}`;
    case "end-teardown":
      return `end-teardown, left [${action.left.join()}]`;
    case "keep":
      return `keep ranks ${action.ranks.join()}`;
    case "finish-prolog":
      return `finish-prolog ${action.status}`;
    default:
      return action.do;
  }
}
