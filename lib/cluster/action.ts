/** What a plan may ask for: the actions, with their arguments. plugin/actions.ts carries them out. */
import type { Settle } from "../record/events.js";
import type { NodeStep, LocalStep } from "./steps.js";

/**
 * What a plan asks for, one kind each; plugin/actions.ts carries them out. Each may be asked for
 * again after a crash.
 */
export type Action =
  /** The attribute is not understood, or the job cannot have a cluster: it never starts. */
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
  /** Give the job the time that this took, or takes: its time limit, in seconds, becomes this. */
  | { do: "extend"; phase: "bring-up" | "teardown"; duration: number }
  /** Its time limit, counted from when its tasks could run, is over, and Flux lets it run on. */
  | { do: "expire" }
  /** Clusters of jobs that had its nodes before are still being torn down; `until`: seconds since the epoch. */
  | { do: "wait-for-nodes"; jobs: bigint[]; until: number }
  | { do: "stop" }
  | { do: "begin-teardown"; reason: string }
  | { do: "end-teardown"; left: number[] }
  /** Leave all in place, for its user to look at. */
  | { do: "keep"; ranks: readonly number[] }
  | { do: "finish-prolog"; status: number }
  | { do: "finish-epilog" };
