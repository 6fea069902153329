/** The actions of a plan, with their arguments. plugin/actions.ts carries them out. */
import type { Settle } from "../record/events.js";
import type { NodeStep, LocalStep } from "./steps.js";

/**
 * One action of a plan. After a crash, each may be planned again.
 */
export type Action =
  /** The attribute is invalid, or the job cannot have a cluster: it never starts. */
  | { do: "refuse"; note: string }
  | { do: "read-resources" }
  /** Take ports and subnets and write the claim. */
  | { do: "claim" }
  /** Take others, if `up` found them in use by a program that has no record. */
  | { do: "claim-others" }
  /** One flux exec: each rank takes these steps one after the other. */
  | {
      do: "call";
      steps: NodeStep[];
      ranks: number[];
      limitS: number;
      /** Seconds that a step with no limit of its own may take, if not all of them. */
      eachS?: number;
    }
  | { do: "local"; step: LocalStep }
  | { do: "settle"; settle: Settle }
  | { do: "raise"; note: string }
  /** Extend the job's time limit by the time of the bring-up or teardown, to this many seconds. */
  | { do: "extend"; phase: "bring-up" | "teardown"; duration: number }
  /** Its time limit, counted from when its tasks could run, has passed, and Flux does not end it. */
  | { do: "expire" }
  /** Clusters of jobs that had its nodes before are still being torn down; `until`: seconds since the epoch. */
  | { do: "wait-for-nodes"; jobs: bigint[]; until: number }
  | { do: "stop" }
  | { do: "begin-teardown"; reason: string }
  | { do: "end-teardown"; left: number[] }
  /** Keep all resources, so that its user can examine them. */
  | { do: "keep"; ranks: readonly number[] }
  | { do: "finish-prolog"; status: number }
  | { do: "finish-epilog" };
