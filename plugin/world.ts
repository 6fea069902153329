/** The effects that a cluster's life has, as one small object: real in main, recorded in tests. */
import type { Config } from "../lib/config/check.js";
import type { Clock } from "../lib/host/clock.js";
import type { Run } from "../lib/host/command.js";
import type { Claim } from "../lib/record/events.js";
import type { Operation } from "../lib/record/writer.js";
import type { Site } from "../lib/node/environment.js";
import type { Meter } from "./meter.js";
import type { Membership } from "./membership.js";
import type { Networks } from "./networks.js";
import type { OpenClusters } from "./open-clusters.js";

/** What is asked of Flux about a job; `Bridge` does it. */
export interface Flux {
  post(id: bigint, name: string, context: Record<string, unknown>): Promise<void>;
  memo(id: bigint, memo: Record<string, unknown>): Promise<void>;
  raise(id: bigint, note: string): Promise<void>;
  expire(id: bigint): Promise<void>;
  update(id: bigint, updates: Record<string, unknown>): Promise<void>;
  commit(operations: Operation[]): Promise<void>;
  lookup(key: string): Promise<string | undefined>;
  drain(ranks: string, reason: string): Promise<void>;
  /** Why ranks are drained: by idset. */
  drained(): Promise<Record<string, string>>;
  undrain(ranks: string, reason: string): Promise<void>;
}

/** `trace` goes to the daemon's own log only, the others to `flux dmesg` too. */
export type Level = "error" | "warn" | "info" | "debug" | "trace";

/** What a program that reads the daemon's log wants of a line. */
export type Facts = Record<string, string | number | number[]>;

export interface World {
  flux: Flux;
  run: Run;
  clock: Clock;
  /** A line in the daemon's log and in `flux dmesg`; the facts go to the log only. */
  say: (level: Level, text: string, facts?: Facts) => void;
  config: Config;
  site: Site;
  /** The uid that the instance belongs to. */
  owner: number;
  open: OpenClusters;
  /** Where a job's cluster is, and what it is called in the engine. */
  names: (jobid: bigint) => Pick<Claim, "workdir" | "project">;
  nodes: Membership;
  networks: Networks;
  /** Counts what is done; undefined: nobody does. */
  meter?: Meter;
}
