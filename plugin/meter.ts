/** What is counted of what the daemon does. Who counts, and serves it, is plugin/metrics.ts. */
import type { KeptBy } from "../lib/cluster/holds.js";
import type { Step } from "../lib/cluster/steps.js";
import type { Settle, StepStatus } from "../lib/record/events.js";

export interface Meter {
  /** A try of a step has ended on one rank. */
  step(end: { step: Step; status: StepStatus; seconds: number }): void;
  /** A step is tried again, on so many ranks. */
  retry(step: Step, ranks: number): void;
  /** A job has started: it was held until its cluster was ready, or it was not. */
  hold(inTime: boolean): void;
  /** A job has ended and its cluster is gone: what kept its nodes until then, or that nothing did. */
  endHold(by: KeptBy): void;
  /** All nodes of a cluster are Ready, `seconds` after the job got its nodes. */
  nodesReady(seconds: number): void;
  /** `seconds` since the job has its nodes, where that is known. */
  settle(outcome: Settle["outcome"], seconds: number | undefined): void;
  /** A teardown has ended, and has left something on so many nodes. */
  teardown(left: number): void;
  bridgeRestart(): void;
}
