/**
 * How often a step is tried, and whether it may be tried now, again later, or never. The table
 * (steps.ts) has the number of tries of each step. The configuration may change it for three of
 * them.
 */
import type { StepState } from "./state.js";
import { ROWS, type Step } from "./steps.js";

export interface Limits {
  /** Number of tries of each step; a step that is not listed has one. */
  attempts: Partial<Record<Step, number>>;
  joinFanout: number;
  /** Steps that the cluster skips. */
  skipped: ReadonlySet<Step>;
  bringUpText: string;
  bringUpS: number;
  teardownS: number;
  extendTimeLimit: boolean;
  /**
   * Whether to extend the time limit before settle is written, because a prolog that waits for
   * settle lets the job start immediately.
   */
  extendFirst: boolean;
  /** Ranks whose brokers are not up. */
  lost: ReadonlySet<number>;
  /** Inactive jobs whose clusters are still being torn down on the cluster's hosts. */
  tornDown: readonly bigint[];
}

/** The limits, the current time, and the earliest time to plan again. */
export interface PlanContext extends Limits {
  now: number;
  wakeAt?: number;
  wake(at: number): void;
}

export function planContext(limits: Limits, now: number): PlanContext {
  return {
    ...limits,
    now,
    wake(at) {
      this.wakeAt = Math.min(this.wakeAt ?? Infinity, at);
    },
  };
}

/** The number of tries of each step that has more than one. */
export const ATTEMPTS: Partial<Record<Step, number>> = Object.fromEntries(
  ROWS.flatMap(({ name, attempts }) => (attempts === undefined ? [] : [[name, attempts]])),
);

/**
 * The minimum number of tries of a step that was lost on a node that is up. Its flux exec has died,
 * so the result is unknown. Each step is safe to repeat.
 */
const LOST_TRIES = 3;

/** Decides from the last try of a step. The pauses between tries grow: 1, 2, 4 ... seconds. */
export function retryable(
  step: Step,
  at: StepState | undefined,
  context: PlanContext,
): "now" | "later" | "running" | "never" | "done" {
  if (!at) return "now";
  if (at.status === "ok") return "done";
  if (at.status === "running") return "running";
  if (at.fault) return "never";
  const tries = Math.max(context.attempts[step] ?? 1, at.status === "lost" ? LOST_TRIES : 1);
  if (at.attempt >= tries) return "never";
  const next = at.at + 2 ** (at.attempt - 1);
  if (context.now >= next) return "now";
  context.wake(next);
  return "later";
}
