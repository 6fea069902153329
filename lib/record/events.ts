/**
 * The record of a cluster: the events of its life, as an RFC 18 eventlog beside the job's own in
 * the KVS (`<job's KVS directory>.usernetes.eventlog`). A restarted daemon, the shell plugin and
 * people read it. It never contains a token, a hash or a kubeconfig.
 */
import type { Step } from "../cluster/steps.js";
import type { EngineName } from "../usernetes/engine.js";
import type { Ports } from "../usernetes/ports.js";

export interface Claim {
  version: 1;
  /** Idset of broker ranks. */
  ranks: string;
  lead: number;
  /** Host names, in the order of the ranks. */
  hosts: string[];
  userid: number;
  engine: EngineName;
  workdir: string;
  project: string;
  ports: Ports;
  /** The node subnet of the first rank, a /24. Each further rank has the following one. */
  subnet: string;
  /** The end of the time for the bring-up, in seconds since the epoch. */
  deadline: number;
  /** usernetes.shared-filesystem is "yes": all nodes share one work directory. */
  shared?: true;
  /**
   * Ports and subnets that `up` found in use by a program without a record: one entry for each
   * earlier claim.
   */
  avoid?: Avoid[];
}

export interface Avoid {
  ports?: Ports;
  subnets?: string[];
}

export type StepStatus = "ok" | "failed" | "timeout" | "lost";

/**
 * A failure that a repetition of the same try would have, too. `port` and `subnet`: it is in use on
 * that node. `permanent`: any other such failure.
 */
export type Fault = "port" | "subnet" | "permanent";

export type RecordEvent = { timestamp: number } & (
  | { name: "claim"; context: Claim }
  | { name: "step-start"; context: { step: Step; ranks: string; attempt: number } }
  | { name: "step-progress"; context: StepProgress }
  | { name: "step-finish"; context: StepFinish }
  | { name: "settle"; context: Settle }
  | { name: "teardown-start"; context: { reason: string; timeout?: number; hook?: number } }
  | { name: "down"; context: Down }
);

/** The reason why a running step waits. */
export interface StepProgress {
  step: Step;
  ranks: string;
  attempt: number;
  note: string;
}

export interface StepFinish {
  step: Step;
  ranks: string;
  attempt: number;
  status: StepStatus;
  /** Seconds that the slowest of these ranks took. */
  seconds: number;
  /** The reason if the status is not ok: the exit status and the lines that explain it. */
  note?: string;
  fault?: Fault;
  /** The node shares the work directory with the lead. */
  shared?: true;
}

export interface Down {
  /** The ranks with leftovers. */
  left: number[];
  /** The job asked for debugging, so the cluster stays in place. */
  kept?: true;
}

export interface Settle {
  outcome: "ready" | "failed" | "canceled";
  note?: string;
  kubeconfig?: string;
  /** Idset of the workers without which the cluster continues. */
  without?: string;
}

interface Stamped {
  timestamp: number;
  name: string;
}

/** Parses a line of an RFC 18 eventlog. Returns undefined if the line is not an event. */
export function parseEvent(line: string): Stamped | undefined {
  try {
    const event = JSON.parse(line) as Partial<Stamped> | null;
    const isEvent = typeof event?.timestamp === "number" && typeof event.name === "string";
    return isEvent ? (event as Stamped) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Parses an RFC 18 eventlog. Skips a line that is not an event, so that the other events are still
 * read.
 */
export function parseEventlog<Event extends Stamped>(text: string): Event[] {
  return text.split("\n").flatMap((line) => (parseEvent(line) as Event | undefined) ?? []);
}

/** Formats an event as one line of an eventlog (RFC 18), with a newline at its end. */
export function formatEvent(event: RecordEvent): string {
  const { timestamp, name, context } = event;
  return `${JSON.stringify({ timestamp, name, context })}\n`;
}

/** Seconds between two timestamps, rounded to milliseconds. */
export function elapsed(from: number, to: number): number {
  return Math.round((to - from) * 1000) / 1000;
}
