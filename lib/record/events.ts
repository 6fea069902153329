/**
 * The record: what was done for a cluster, an RFC 18 eventlog beside the job's
 * own in the KVS (`<job's KVS directory>.usernetes.eventlog`). A restart, the
 * shell plugin and people read it. Never a token, a hash or a kubeconfig.
 */
import type { Step } from "../cluster/steps.js";
import type { EngineName } from "../usernetes/engine.js";
import type { Ports } from "../usernetes/ports.js";

export interface Claim {
  version: 1;
  /** Idset of broker ranks. */
  ranks: string;
  lead: number;
  /** One a rank, in the order of the ranks. */
  hosts: string[];
  userid: number;
  engine: EngineName;
  workdir: string;
  project: string;
  ports: Ports;
  /** The first rank's node subnet, a /24; each further rank has the next one. */
  subnet: string;
  /** When bring-up must be over, seconds since the epoch. */
  deadline: number;
  /** usernetes.shared-filesystem is "yes": workdir is one for all of them. */
  shared?: true;
  /** What `up` found in use on a node by a program without a record: one entry per earlier claim. */
  avoid?: Avoid[];
}

export interface Avoid {
  ports?: Ports;
  subnets?: string[];
}

export type StepStatus = "ok" | "failed" | "timeout" | "lost";

/**
 * A failure that the same try would meet again: a port or a node subnet is taken
 * on that node, or it is one that does not pass.
 */
export type Fault = "port" | "subnet" | "permanent";

export type RecordEvent = { timestamp: number } & (
  | { name: "claim"; context: Claim }
  | { name: "step-start"; context: { step: Step; ranks: string; attempt: number } }
  | { name: "step-progress"; context: StepProgress }
  | { name: "step-finish"; context: StepFinish }
  | { name: "settle"; context: Settle }
  | { name: "teardown-start"; context: { reason: string; timeout?: number } }
  | { name: "down"; context: Down }
);

/** What a step that runs is waiting for. */
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
  /** How long the slowest of these ranks took. */
  seconds: number;
  /** Why it is not ok: exit status and the last line that it printed. */
  note?: string;
  fault?: Fault;
  /** The work directory is the lead's, too: what is there need not be sent. */
  shared?: true;
}

export interface Down {
  /** The ranks with leftovers. */
  left: number[];
  /** The job asked for debug, so the cluster was left in place. */
  kept?: true;
}

export interface Settle {
  outcome: "ready" | "failed" | "canceled";
  note?: string;
  kubeconfig?: string;
  /** Idset of the workers that the cluster continues without. */
  without?: string;
}

interface Stamped {
  timestamp: number;
  name: string;
}

/** Parses a line of an RFC 18 eventlog; undefined if it is no event. */
export function parseEvent(line: string): Stamped | undefined {
  try {
    const event = JSON.parse(line) as Partial<Stamped> | null;
    const isEvent = typeof event?.timestamp === "number" && typeof event.name === "string";
    return isEvent ? (event as Stamped) : undefined;
  } catch {
    return undefined;
  }
}

/** Parses an RFC 18 eventlog; a line that is not an event is skipped, so that it does not hide the others. */
export function parseEventlog<Event extends Stamped>(text: string): Event[] {
  return text.split("\n").flatMap((line) => (parseEvent(line) as Event | undefined) ?? []);
}

/** One line of an eventlog (RFC 18), with its newline. */
export function formatEvent(event: RecordEvent): string {
  const { timestamp, name, context } = event;
  return `${JSON.stringify({ timestamp, name, context })}\n`;
}

/** Seconds between two timestamps, to the millisecond. */
export function elapsed(from: number, to: number): number {
  return Math.round((to - from) * 1000) / 1000;
}
