/**
 * The effects of a cluster's actions, as one small object. The daemon has the real effects, and
 * tests record theirs.
 */
import type { Config } from "../lib/config/check.js";
import type { Clock } from "../lib/host/clock.js";
import type { Run } from "../lib/host/command.js";
import type { LogFields, Level } from "../lib/log.js";
import type { Site } from "../lib/node/environment.js";
import type { Claim } from "../lib/record/events.js";
import type { Operation } from "../lib/record/writer.js";
import type { Membership } from "./membership.js";
import type { Meter } from "./metrics/metrics.js";
import type { OpenClusters } from "./open-clusters.js";

/** Requests to Flux about a job; `Bridge` implements them. */
export interface Flux {
  post(id: bigint, name: string, context: Record<string, unknown>): Promise<void>;
  memo(id: bigint, memo: Record<string, unknown>): Promise<void>;
  raise(id: bigint, note: string): Promise<void>;
  expire(id: bigint): Promise<void>;
  update(id: bigint, updates: Record<string, unknown>): Promise<void>;
  commit(operations: Operation[]): Promise<void>;
  lookup(key: string): Promise<string | undefined>;
  drain(ranks: string, reason: string): Promise<void>;
  /** The reasons of drained ranks, by idset. */
  drained(): Promise<Record<string, string>>;
  undrain(ranks: string, reason: string): Promise<void>;
}

export interface World {
  flux: Flux;
  run: Run;
  clock: Clock;
  /** Logs a line in the daemon's log and in `flux dmesg`. The fields go to the log only. */
  say: (level: Level, text: string, fields?: LogFields) => void;
  config: Config;
  site: Site;
  /** The uid that the instance belongs to. */
  owner: number;
  open: OpenClusters;
  /** The work directory of a job's cluster, and the name of its project in the engine. */
  names: (jobid: bigint) => Pick<Claim, "workdir" | "project">;
  nodes: Membership;
  networks: Networks;
  /** Counts for the metrics; undefined: there are no metrics. */
  meter?: Meter;
}

export interface Networks {
  /** The networks of these ranks, like `10.1.0.0/16`; a rank without networks is omitted. */
  networksOf(ranks: readonly number[]): Promise<Map<number, string[]>>;
}
