/**
 * Whether a step may be tried now, again later, or never. How often each step is tried is in the
 * table (steps.ts); the configuration may change that for three of them.
 */
import type { StepState } from "./state.js";
import type { Step } from "./steps.js";

export interface Limits {
  /** How often a step is tried; a step that is not here: once. */
  attempts: Partial<Record<Step, number>>;
  joinFanout: number;
  /** Steps that the cluster does not take. */
  skipped: ReadonlySet<Step>;
  bringUpText: string;
  bringUpS: number;
  teardownS: number;
  extendTimeLimit: boolean;
  /** Before settle: a prolog that waits for that lets the job start at once. */
  extendFirst: boolean;
  /** Ranks whose brokers are not up. */
  lost: ReadonlySet<number>;
  /** Inactive jobs whose clusters are still being torn down on the cluster's hosts. */
  tornDown: readonly bigint[];
}

/** The limits, the time, and the earliest time at which more can be done. */
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

/**
 * The minimum number of tries of a step that was lost on a node that is up: its flux exec
 * died, so the result is unknown. Each step is safe to repeat.
 */
const LOST_TRIES = 3;

/** Pauses between tries grow: 1, 2, 4 ... seconds. */
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
