/**
 * Appends a cluster's events to its record, in order, and maintains its entry among the open
 * clusters.
 *
 * A step and outcome has one event with an idset, not one event for each rank (4,096 appends to one
 * log took 47 s). A step event therefore waits for the other ranks of its call, for a short time,
 * and equal events are merged. All other events are written immediately, after the waiting events.
 * The last lines of the steps are in the same commits as their ends (step-logs.ts).
 */
import type { Step } from "../cluster/steps.js";
import { decodeIdset, encodeIdset } from "../flux/idset.js";
import { kvsDirectory } from "../flux/jobid.js";
import { INSTANCE } from "../usernetes/names.js";
import { formatEvent, type Claim, type RecordEvent } from "./events.js";
import { parseSetting, type ClusterSettings } from "./setting.js";
import { StepLogs } from "./step-logs.js";
import type { Tail } from "./step-tails.js";

export type Operation = ["append", string, string] | ["put", string, unknown] | ["unlink", string];
/** The KVS operations that the writer needs. */
export interface Store {
  commit(operations: Operation[]): Promise<void>;
  lookup(key: string): Promise<string | undefined>;
  /** Whether the job is inactive, so that flux job purge may remove its directory. */
  mayBePurged?(): boolean;
}

export const OPEN_CLUSTERS = "usernetes.cluster";

/**
 * The key of a record: beside the job's own eventlog, or for the cluster of the whole instance at
 * the top level.
 */
export const recordKey = (jobid: bigint): string =>
  jobid === INSTANCE ? "usernetes.eventlog" : `${kvsDirectory(jobid)}.usernetes.eventlog`;
export const entryKey = (jobid: bigint): string => `${OPEN_CLUSTERS}.${jobid}`;

/**
 * An entry: the data of a cluster that remain until it has no leftovers. The job's own directory
 * may be purged earlier.
 */
export interface OpenCluster {
  jobid: string;
  claim: Claim;
  /**
   * The time of the first claim, in seconds since the epoch. The record, which also has it, may be
   * purged with the job.
   */
  claimedAt?: number;
  /**
   * The time when the last teardown ended, in seconds since the epoch. The cluster has leftovers,
   * or is kept.
   */
  downAt?: number;
  /** The settings of the bring-up. */
  setting?: ClusterSettings;
  /** The ranks with leftovers. */
  left?: number[];
  /** The cluster stays in place for debugging. Only `clean` takes it down. */
  kept?: true;
}

/** Parses an entry. Returns undefined if it is not valid. */
export function parseOpenCluster(text: string): OpenCluster | undefined {
  try {
    const entry = JSON.parse(text) as Partial<OpenCluster> | null;
    if (typeof entry?.jobid !== "string" || !/^[0-9]+$/.test(entry.jobid)) return undefined;
    decodeIdset(String(entry.claim?.ranks));
    if (!entry.claim || !Array.isArray(entry.claim.hosts)) return undefined;
    const { setting, ...rest } = entry as OpenCluster;
    const known = parseSetting(setting);
    return known ? { ...rest, setting: known } : rest;
  } catch {
    return undefined;
  }
}

export type StepEvent = RecordEvent & { name: `step-${string}` };

interface Pending {
  /** The event. Its idset is set when the event is written. */
  event: StepEvent;
  ranks: Set<number>;
  /** The last lines that each rank printed. */
  lines: Map<number, readonly string[]>;
  /** The latest time to write the event, in ms. */
  due: number;
}

/** A clock. `now` and the pauses are in ms. */
export interface Timer {
  now(): number;
  after(ms: number, callback: () => void): () => void;
}

/**
 * How long an event waits, in ms: `more` if other ranks are about to report the same, `gather`
 * otherwise.
 */
const WAIT_MS = { more: 2_000, gather: 100 };

export class RecordWriter {
  private pending: Pending[] = [];
  private last: Promise<void> = Promise.resolve();
  private cancelFlush: (() => void) | undefined;
  private keepsRecord = true;
  private readonly logs: StepLogs;

  constructor(
    private readonly jobid: bigint,
    private readonly store: Store,
    private readonly timer: Timer,
  ) {
    this.logs = new StepLogs(jobid, (key) => store.lookup(key));
  }

  /** Marks steps whose ends an earlier daemon has recorded. */
  takeUp(steps: Iterable<Step>): void {
    this.logs.takeUp(steps);
  }

  /**
   * Stops writing the record, and writes only the entry, because the job's directory is no longer
   * in the KVS (flux job purge). A job manager that starts would read a directory with only a
   * record as a damaged job.
   */
  onlyEntry(): void {
    this.keepsRecord = false;
  }

  /**
   * Adds a step event. `more`: other ranks are about to report the same. `lines`: the last lines
   * that its rank printed. The event is written soon, merged with equal events. No caller waits for
   * the write, because each step is safe to repeat.
   */
  step(event: StepEvent, more: boolean, lines: readonly string[] = []): void {
    const now = this.timer.now();
    const ranks = decodeIdset(event.context.ranks);
    const isAmong = (other: Pending) => ranks.some((rank) => other.ranks.has(rank));
    const like = this.pending.findLast((other) => sameButRanks(other.event, event));
    // The events of one rank must stay in their order.
    const joins = like && !this.after(like).some(isAmong);
    const entry: Pending = joins ? like : newPending(event, now + WAIT_MS.more);
    if (joins) merge(like.event, event);
    else this.pending.push(entry);
    for (const rank of ranks) {
      entry.ranks.add(rank);
      if (lines.length > 0) entry.lines.set(rank, lines);
    }
    if (!more) entry.due = Math.min(entry.due, now + WAIT_MS.gather);
    this.scheduleFlush(now);
  }

  /**
   * Writes events and changes to the cluster's entry in one commit. They are written when the
   * promise resolves.
   */
  write(events: RecordEvent[], entry: Operation[] = []): Promise<void> {
    return this.append(() => this.pending.length, events, entry);
  }

  private after(entry: Pending): Pending[] {
    return this.pending.slice(this.pending.indexOf(entry) + 1);
  }

  private scheduleFlush(now: number): void {
    this.cancelFlush?.();
    this.cancelFlush = undefined;
    if (this.pending.length === 0) return;
    const due = Math.min(...this.pending.map((entry) => entry.due));
    this.cancelFlush = this.timer.after(Math.max(0, due - now), () => {
      this.flush();
    });
  }

  private flush(): void {
    const now = this.timer.now();
    const count = (): number => this.pending.findLastIndex((entry) => entry.due <= now) + 1;
    this.append(count, [], []).then(
      () => {
        this.scheduleFlush(this.timer.now());
      },
      // Events that could not be written are written with the next event.
      () => undefined,
    );
  }

  /**
   * Makes one commit after the other, so that the record keeps its order. A commit takes the first
   * `count()` step events that are waiting when the commit starts.
   */
  private append(count: () => number, events: RecordEvent[], entry: Operation[]): Promise<void> {
    const done = this.last.then(async () => {
      const taken = this.pending.splice(0, count());
      // The idset is encoded once, not for each added rank, which would take seconds for thousands
      // of ranks.
      for (const { event, ranks } of taken) event.context.ranks = encodeIdset(ranks);
      const lines = [...taken.map(({ event }) => event), ...events].map(formatEvent).join("");
      try {
        if (await this.isPurged()) this.keepsRecord = false;
        const appends = this.keepsRecord && lines !== "";
        const append: Operation[] = appends ? [["append", recordKey(this.jobid), lines]] : [];
        if (append.length + entry.length === 0) return;
        const { texts, written } = await this.logs.append(appends ? taken.flatMap(tailOf) : []);
        await this.store.commit([...append, ...texts, ...entry]);
        written();
        if (appends) await this.removeIfPurged();
      } catch (error) {
        this.pending.unshift(...taken);
        throw error;
      }
    });
    this.last = done.catch(() => undefined);
    return done;
  }

  /** Whether the job's directory has been purged. */
  private async isPurged(): Promise<boolean> {
    if (!this.keepsRecord || this.jobid === INSTANCE || !this.store.mayBePurged?.()) return false;
    return (await this.store.lookup(`${kvsDirectory(this.jobid)}.eventlog`)) === undefined;
  }

  /**
   * If the directory was purged during the commit, it contains only what this daemon has written
   * since. It is removed.
   */
  private async removeIfPurged(): Promise<void> {
    if (!(await this.isPurged().catch(() => false))) return;
    this.keepsRecord = false;
    await this.store.commit([["unlink", kvsDirectory(this.jobid)]]).catch(() => undefined);
  }
}

function tailOf({ event, lines }: Pending): (Tail & { step: Step })[] {
  if (event.name !== "step-finish") return [];
  const { step, attempt, status, ranks, note = "" } = event.context;
  return [{ step, attempt, status, ranks, note, lines }];
}

function newPending(event: StepEvent, due: number): Pending {
  return { event: structuredClone(event), ranks: new Set(), lines: new Map(), due };
}

function merge(into: StepEvent, event: StepEvent): void {
  into.timestamp = event.timestamp;
  if (into.name === "step-finish" && event.name === "step-finish")
    into.context.seconds = Math.max(into.context.seconds, event.context.seconds);
}

function sameButRanks(a: StepEvent, b: StepEvent): boolean {
  if (a.name !== b.name || a.context.step !== b.context.step) return false;
  if (a.context.attempt !== b.context.attempt) return false;
  if (a.name === "step-progress" || b.name === "step-progress") return false;
  if (a.name !== "step-finish" || b.name !== "step-finish") return true;
  return (
    a.context.status === b.context.status &&
    a.context.note === b.context.note &&
    a.context.fault === b.context.fault &&
    a.context.shared === b.context.shared
  );
}
