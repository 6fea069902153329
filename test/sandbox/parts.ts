/**
 * The interfaces through which the parts of an instance use it and each other. The instance imports
 * its parts, so no part imports the instance.
 */
import type { EventEmitter } from "node:events";
import type { Configuration } from "./configuration.js";
import type { LogRing } from "./dmesg.js";
import type { Entry } from "./eventlog.js";
import type { Host } from "./host.js";
import type { Job } from "./job.js";
import type { Kvs } from "./kvs.js";
import type { Running } from "./process.js";
import type { Resources } from "./resources.js";

/** The delays of an idle instance in milliseconds. Each is multiplied by the instance's pace. */
export const DELAYS = { validate: 12, depend: 12, alloc: 4, start: 5, release: 2 };

export interface JobException {
  type: string;
  severity: number;
  note: string;
  userid?: number;
}

export interface Jobs {
  readonly jobs: ReadonlyMap<bigint, Job>;
  later(delay: keyof typeof DELAYS, act: () => void): void;
  post(job: Job, name: string, context?: Record<string, unknown>): void;
  raise(id: bigint, exception: JobException): void;
}

/** The ranks of an instance, and the hosts on which their processes run. */
export interface Ranks {
  readonly hostnames: string[];
  host(rank: number): Host;
  uri(rank: number): string;
}

export interface Broker extends Ranks {
  readonly size: number;
  readonly pace: number;
  readonly stopped: boolean;
  readonly environment: Record<string, string>;
  readonly shellPlugin: boolean;
  readonly exitTimeoutMs: number;
  readonly kvs: Kvs;
  readonly log: LogRing;
  readonly resources: Resources;
  readonly configuration: Configuration;
  readonly membership: EventEmitter;
  readonly processes: Map<Running, number>;
  readonly journal: { whenSeen(act: () => void): void };
  readonly jobs: Jobs;
  jobDirectory(job: Job): string;
  drain(ranks: number[], reason: string): void;
  startJob(job: Job): void;
  onJobEvent(job: Job, entry: Entry): void;
  /** Opens an instance on the ranks of a job. */
  openNested(job: Job, ranks: number[], tables: Record<string, unknown>): Promise<Nested>;
}

export interface Nested extends Ranks {
  close(): Promise<void>;
}

/** A running job. */
export interface Played {
  readonly instance: Broker;
  readonly job: Job;
  readonly ranks: number[];
  readonly processes: Set<Running>;
  readonly aborted: AbortSignal;
  environment(): Record<string, string>;
}
