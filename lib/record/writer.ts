/**
 * Appends a cluster's events to its record, in order, and keeps its entry among
 * the open clusters.
 *
 * One event per step and outcome with an idset, never one per rank (4,096
 * appends to one log took 47 s): a step event waits for the other ranks of its
 * call, though not for long, and is put together with its like. Everything else
 * is written at once, after all that waits. What the steps printed at last goes with
 * their ends, in the same commits (step-logs.ts).
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
/** What the record is written with. */
export interface Store {
  commit(operations: Operation[]): Promise<void>;
  lookup(key: string): Promise<string | undefined>;
  /** The job is inactive: its directory may go at any time. */
  mayBePurged?(): boolean;
}

export const OPEN_CLUSTERS = "usernetes.cluster";

/** Beside the job's own eventlog; that of the instance's cluster is no job's. */
export const recordKey = (jobid: bigint): string =>
  jobid === INSTANCE ? "usernetes.eventlog" : `${kvsDirectory(jobid)}.usernetes.eventlog`;
export const entryKey = (jobid: bigint): string => `${OPEN_CLUSTERS}.${jobid}`;

/** What stays known of a cluster until it has no leftovers; the job's own directory may be purged. */
export interface OpenCluster {
  jobid: string;
  claim: Claim;
  /** When it was claimed, seconds since the epoch: its record is purged with its job. */
  claimedAt?: number;
  /** When its last teardown ended; it has left something, or is kept. */
  downAt?: number;
  /** What it was made with. */
  setting?: ClusterSettings;
  /** Ranks that the teardown could not clean. */
  left?: number[];
  /** Left in place for its user to look at: only `clean` takes it down. */
  kept?: true;
}

/** Undefined if it is not a valid entry. */
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
  /** Its idset is written with it. */
  event: StepEvent;
  ranks: Set<number>;
  /** What each rank printed at last. */
  lines: Map<number, readonly string[]>;
  /** When it is written at the latest, ms. */
  due: number;
}

/** `now` and pauses in ms. */
export interface Timer {
  now(): number;
  after(ms: number, callback: () => void): () => void;
}

/** What other ranks are about to say too waits so long for them; anything else a moment. */
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

  /** An earlier daemon has recorded ends of these steps. */
  takeUp(steps: Iterable<Step>): void {
    this.logs.takeUp(steps);
  }

  /**
   * The job's directory is not in the KVS any more (flux job purge). A record there
   * would be half a job to a job manager that starts: only the entry is kept.
   */
  onlyEntry(): void {
    this.keepsRecord = false;
  }

  /**
   * A step event; `more`: other ranks are about to say the same. `lines`: what its
   * rank printed at last. It is written soon, with others: steps are safe to repeat, so
   * none waits for it.
   */
  step(event: StepEvent, more: boolean, lines: readonly string[] = []): void {
    const now = this.timer.now();
    const ranks = decodeIdset(event.context.ranks);
    const isAmong = (other: Pending) => ranks.some((rank) => other.ranks.has(rank));
    const like = this.pending.findLast((other) => sameButRanks(other.event, event));
    // What a rank did later must not come before what it did earlier.
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

  /** Written when the promise resolves, together with changes to the cluster's entry. */
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
      // What could not be written is written with the next event.
      () => undefined,
    );
  }

  /**
   * One commit after the other, each with the first `count()` step events that
   * wait when its turn comes, so that the record keeps its order.
   */
  private append(count: () => number, events: RecordEvent[], entry: Operation[]): Promise<void> {
    const done = this.last.then(async () => {
      const taken = this.pending.splice(0, count());
      // Once, and not with each rank that is added: of thousands that would take seconds.
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

  /** Its directory has gone, as far as that may be. */
  private async isPurged(): Promise<boolean> {
    if (!this.keepsRecord || this.jobid === INSTANCE || !this.store.mayBePurged?.()) return false;
    return (await this.store.lookup(`${kvsDirectory(this.jobid)}.eventlog`)) === undefined;
  }

  /** If it vanished at the moment of the commit, only this daemon has written into it since. */
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
