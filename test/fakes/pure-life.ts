/**
 * Simulates a cluster's life without any effects: each action of the plan becomes the events that
 * it would lead to. One action happens at a time, in an order that the caller picks. The trace
 * keeps all events, so that a test can simulate a crash after any of them.
 */
import {
  foldJobEvent,
  foldRecordEvent,
  forgetRunning,
  type JobEvent,
} from "../../lib/cluster/fold.js";
import { plan } from "../../lib/cluster/plan.js";
import { type Action } from "../../lib/cluster/action.js";
import type { Limits } from "../../lib/cluster/retry.js";
import { isDone, type Cluster } from "../../lib/cluster/state.js";
import type { Step } from "../../lib/cluster/steps.js";
import type { RecordEvent, StepStatus } from "../../lib/record/events.js";
import { BEGIN, claimEvent, emptyCluster, jobEvent, LIMITS, OURS } from "./clusters.js";

export type Traced = { of: "job"; event: JobEvent } | { of: "record"; event: RecordEvent };
/** Returns the outcome of a step on a rank. A fault also means that the step failed. */
export type Outcome = (step: Step, rank: number) => StepStatus | "port" | "permanent";

interface Rank {
  rank: number;
  steps: Step[];
}

export class PureLife {
  readonly trace: Traced[] = [];
  readonly cluster: Cluster = emptyCluster({}, 3600);
  now = BEGIN;
  private calls: Rank[] = [];
  private waiting: Action[] = [];

  constructor(
    private readonly outcome: Outcome = () => "ok",
    private readonly limits: Limits = LIMITS,
  ) {}

  begin(): this {
    for (const event of ["submit", "alloc"]) this.see(jobEvent(event, this.now));
    this.see(jobEvent(["prolog-start", OURS], this.now));
    return this;
  }

  /** Continues from a trace, as a restarted daemon does. */
  resume(trace: readonly Traced[]): this {
    this.trace.push(...trace);
    for (const { of, event } of trace) if (of === "record") foldRecordEvent(this.cluster, event);
    forgetRunning(this.cluster);
    for (const { of, event } of trace) {
      if (of === "job") foldJobEvent(this.cluster, event);
      this.now = Math.max(this.now, event.timestamp);
    }
    return this;
  }

  see(event: JobEvent): void {
    this.trace.push({ of: "job", event });
    foldJobEvent(this.cluster, event);
  }

  private note(event: RecordEvent): void {
    this.trace.push({ of: "record", event });
    foldRecordEvent(this.cluster, event);
  }

  get done(): boolean {
    return isDone(this.cluster);
  }

  has(name: string): boolean {
    return this.trace.some(({ event }) => event.name === name);
  }

  /** Lets the `pick`-th of the possible events happen. Returns false if no event is possible. */
  turn(pick: number): boolean {
    this.now += 0.01;
    if (this.done) return false;
    const { actions, wakeAt } = plan(this.cluster, this.limits, this.now);
    for (const action of actions) this.take(action);
    const can = [
      ...this.calls.map((rank) => () => {
        this.endStep(rank);
      }),
      ...this.waiting.map((action) => () => {
        this.waiting = this.waiting.filter((other) => other !== action);
        this.act(action);
      }),
      ...this.jobCan(),
    ];
    if (can.length > 0) can[pick % can.length]?.();
    else if (wakeAt !== undefined) this.now = Math.max(this.now, wakeAt);
    else return false;
    return true;
  }

  /** Returns the number of turns until the life ends, or Infinity if it does not end. */
  play(picks: readonly number[], most: number): number {
    for (let i = 0; i < most; i++)
      if (!this.turn(picks[i % picks.length] ?? 0)) return this.done ? i : Infinity;
    return Infinity;
  }

  /** Returns the events that Flux could cause now without the daemon. */
  private jobCan(): (() => void)[] {
    const { job } = this.cluster;
    const post =
      (name: string, context = {}) =>
      () => {
        this.see(jobEvent([name, context], this.now));
      };
    const over = job.finishAt !== undefined || job.fatal !== undefined;
    if (job.startAt !== undefined && job.finishAt === undefined) {
      const memo = post("memo", { usernetes: { tasks: "done" } });
      // A shell that has asked for the teardown waits for it, for a limited time.
      return job.tasksDoneAt === undefined ? [memo, post("finish")] : [post("finish")];
    }
    if (over && !this.has("epilog-start")) return [post("epilog-start", OURS)];
    if (job.prolog === "counted" || job.epilog === "counted" || job.clean) return [];
    if (over) return [post("clean")];
    return job.startAt === undefined ? [post("start")] : [];
  }

  private take(action: Action): void {
    if (action.do === "call") {
      const [first] = action.steps;
      for (const rank of action.ranks) {
        this.calls.push({ rank, steps: [...action.steps] });
        if (first) this.startStep(first, rank);
      }
    } else if (action.do === "local") {
      const rank = this.cluster.claim?.lead ?? 0;
      this.calls.push({ rank, steps: [action.step] });
      this.startStep(action.step, rank);
    } else if (!this.waiting.some((other) => other.do === action.do)) this.waiting.push(action);
  }

  private startStep(step: Step, rank: number): void {
    const attempt = (this.cluster.steps.get(step)?.get(rank)?.attempt ?? 0) + 1;
    const context = { step, ranks: String(rank), attempt };
    this.note({ timestamp: this.now, name: "step-start", context });
  }

  private endStep(call: Rank, stopped = false): void {
    const step = call.steps.shift();
    if (step === undefined) return;
    const outcome = stopped ? "lost" : this.outcome(step, call.rank);
    const fault = outcome === "port" || outcome === "permanent" ? { fault: outcome } : {};
    const status = "fault" in fault ? "failed" : (outcome as StepStatus);
    const attempt = this.cluster.steps.get(step)?.get(call.rank)?.attempt ?? 1;
    const ranks = String(call.rank);
    const context = { step, ranks, attempt, status, seconds: 0, note: "x", ...fault };
    this.note({ timestamp: this.now, name: "step-finish", context });
    const [next] = call.steps;
    if (status === "ok" && next) this.startStep(next, call.rank);
    else this.calls = this.calls.filter((other) => other !== call);
  }

  private act(action: Action): void {
    const timestamp = this.now;
    switch (action.do) {
      case "read-resources":
        this.cluster.resources = { ranks: [0, 1, 2], hosts: ["a", "b", "c"] };
        return;
      case "claim":
        this.note({ ...claimEvent(), timestamp });
        return;
      case "claim-others": {
        const { claim } = this.cluster;
        if (!claim) return;
        const avoid = [...(claim.avoid ?? []), { ports: claim.ports }];
        this.note({ timestamp, name: "claim", context: { ...claim, avoid } });
        return;
      }
      case "settle":
        this.note({ timestamp, name: "settle", context: action.settle });
        return;
      case "stop":
        for (const call of this.calls) this.endStep(call, true);
        return;
      case "begin-teardown":
        this.note({ timestamp, name: "teardown-start", context: { reason: action.reason } });
        return;
      case "end-teardown":
        this.note({ timestamp, name: "down", context: { left: action.left } });
        return;
      case "keep":
        this.note({ timestamp, name: "down", context: { left: [...action.ranks], kept: true } });
        return;
      case "extend":
        this.see(
          jobEvent(
            ["jobspec-update", { "attributes.system.duration": action.duration }],
            timestamp,
          ),
        );
        return;
      case "refuse":
      case "raise":
      case "expire":
        this.see(jobEvent(["exception", { type: "usernetes", severity: 0, note: "" }], timestamp));
        return;
      case "finish-prolog":
        this.see(jobEvent(["prolog-finish", OURS], timestamp));
        return;
      case "finish-epilog":
        this.see(jobEvent(["epilog-finish", OURS], timestamp));
        return;
    }
  }
}
