/** The actions of a plan, with their arguments. plugin/actions.ts carries them out. */
import type { Settle } from "../record/events.js";
import type { NodeStep, LocalStep } from "./steps.js";

/** An action of a plan. After a crash, each action may be planned again. */
export type Action =
  /** Fail the job before it starts: its attribute is invalid, or it cannot have a cluster. */
  | { do: "refuse"; note: string }
  | { do: "read-resources" }
  /** Choose ports and subnets, and write the claim. */
  | { do: "claim" }
  /**
   * Choose other ports and subnets, because `up` found some in use by a program without a record.
   */
  | { do: "claim-others" }
  /** Make one request: each rank takes these steps one after the other. */
  | {
      do: "call";
      steps: NodeStep[];
      ranks: number[];
      limitS: number;
      /** Seconds that a step without a limit of its own may take; if not set, limitS. */
      eachS?: number;
    }
  | { do: "local"; step: LocalStep }
  | { do: "settle"; settle: Settle }
  | { do: "raise"; note: string }
  /**
   * Extend the job's time limit by the time of the bring-up or teardown. `duration`: the new limit
   * in seconds.
   */
  | { do: "extend"; phase: "bring-up" | "teardown"; duration: number }
  /**
   * End the job: its time limit, counted from the time when its tasks could run, has passed, and
   * Flux does not end it.
   */
  | { do: "expire" }
  /**
   * Wait for the teardown of clusters of earlier jobs on the same nodes. `until`: seconds since the
   * epoch.
   */
  | { do: "wait-for-nodes"; jobs: bigint[]; until: number }
  | { do: "stop" }
  | { do: "begin-teardown"; reason: string }
  | { do: "end-teardown"; left: number[] }
  /** Keep all resources, so that the user can examine them. */
  | { do: "keep"; ranks: readonly number[] }
  | { do: "finish-prolog"; status: number }
  | { do: "finish-epilog" };
