/**
 * Appends a cluster's events to its record, in order, and keeps its entry among
 * the open clusters.
 *
 * One event per step and outcome with an idset, never one per rank (4,096
 * appends to one log took 47 s): step events wait a moment for the other ranks
 * and are put together. Everything else is written at once, after them.
 */
import { decodeIdset, encodeIdset } from "../flux/idset.js";
import { kvsDirectory } from "../flux/jobid.js";
import { formatEvent, type Claim, type RecordEvent } from "./events.js";

export type Operation = ["append", string, string] | ["put", string, unknown] | ["unlink", string];
export type Commit = (operations: Operation[]) => Promise<void>;

export const OPEN_CLUSTERS = "usernetes.cluster";

export const recordKey = (jobid: bigint): string => `${kvsDirectory(jobid)}.usernetes.eventlog`;
export const entryKey = (jobid: bigint): string => `${OPEN_CLUSTERS}.${jobid}`;

/** What stays known of a cluster until nothing of it is left; the job's own directory is purged. */
export interface OpenCluster {
  jobid: string;
  claim: Claim;
  /** Ranks that the teardown could not clean. */
  left?: number[];
}

type StepEvent = RecordEvent & { name: "step-start" | "step-finish" };

export class RecordWriter {
  private pending: StepEvent[] = [];
  private last: Promise<void> = Promise.resolve();
  private flushing: (() => void) | undefined;

  constructor(
    private readonly jobid: bigint,
    private readonly commit: Commit,
    private readonly schedule: (flush: () => void) => () => void,
  ) {}

  /** A step event; written with its like, soon. */
  step(event: StepEvent): void {
    const like = this.pending.find((other) => sameButRanks(other, event));
    if (like) {
      const ranks = [...decodeIdset(like.context.ranks), ...decodeIdset(event.context.ranks)];
      like.context.ranks = encodeIdset(ranks);
      like.timestamp = event.timestamp;
      if (like.name === "step-finish" && event.name === "step-finish")
        like.context.seconds = Math.max(like.context.seconds, event.context.seconds);
    } else this.pending.push({ ...event, context: { ...event.context } } as StepEvent);
    this.flushing ??= this.schedule(() => {
      this.flushing = undefined;
      // What could not be written is written with the next event.
      this.write([]).catch(() => undefined);
    });
  }

  /** Written when the promise resolves, together with changes to the cluster's entry. */
  write(events: RecordEvent[], entry: Operation[] = []): Promise<void> {
    this.flushing?.();
    this.flushing = undefined;
    const steps = this.pending;
    this.pending = [];
    const lines = [...steps, ...events].map(formatEvent).join("");
    const append: Operation[] = lines === "" ? [] : [["append", recordKey(this.jobid), lines]];
    const operations = [...append, ...entry];
    if (operations.length === 0) return this.last;
    const next = this.last.catch(() => undefined).then(() => this.commit(operations));
    this.last = next.catch((error: unknown) => {
      this.pending = [...steps, ...this.pending];
      throw error;
    });
    this.last.catch(() => undefined);
    return this.last;
  }
}

function sameButRanks(a: StepEvent, b: StepEvent): boolean {
  if (a.name !== b.name || a.context.step !== b.context.step) return false;
  if (a.context.attempt !== b.context.attempt) return false;
  if (a.name !== "step-finish" || b.name !== "step-finish") return true;
  return a.context.status === b.context.status && a.context.note === b.context.note;
}
