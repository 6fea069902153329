/**
 * The timeline of a cluster: how long each step took on which ranks, and how long the pauses
 * between the steps were. Pure: computed from what was read of a job, and from the time.
 */
import { isDebug, isOver, type Cluster } from "../../cluster/state.js";
import { isOfTeardown } from "../../cluster/steps.js";
import type { RecordEvent } from "../../record/events.js";
import type { SeenJob } from "../job.js";
import { chainOf, lastOf, latest, type Link } from "./chain.js";
import { rowsOf, type Row } from "./rows.js";

/** A bring-up or a teardown. Times are seconds since the epoch. */
export interface Phase {
  name: "bring-up" | "teardown" | "cleaning";
  begin: number;
  end: number;
  /**
   * The events at the start and the end, of the job or of the record; `now` if the phase still
   * runs.
   */
  from: string;
  to: string;
  rows: Row[];
  chain: Link[];
  /** The phase still runs; `end` is the current time. */
  open: boolean;
}

export interface Timeline {
  cluster: Cluster;
  phases: Phase[];
}

/** The parts of a phase's time, in seconds. They add up to `total`. */
export interface Sums {
  /** From the start of the phase to the first step of its longest chain. */
  before: number;
  /** The steps of the chain. */
  steps: number;
  between: number;
  /** From the last step of the chain to the end of the phase. */
  after: number;
  total: number;
}

export function timelineOf(seen: SeenJob, now: number): Timeline {
  const rows = rowsOf(seen.record, now);
  const up = bringUp(seen, rows, now);
  return { cluster: seen.cluster, phases: [...(up ? [up] : []), ...teardowns(seen, rows, now)] };
}

export function sumsOf({ chain, begin, end }: Phase): Sums {
  const total = end - begin;
  const steps = chain.reduce((sum, link) => sum + link.end - link.begin, 0);
  const before = (chain[0]?.begin ?? end) - begin;
  const after = chain.length === 0 ? 0 : end - (chain.at(-1)?.end ?? end);
  return { before, steps, after, between: Math.max(0, total - before - steps - after), total };
}

function bringUp({ cluster, events, record }: SeenJob, rows: Row[], now: number) {
  const claimed = first(record, "claim");
  if (claimed === undefined) return undefined;
  const alloc = events.find(({ name }) => name === "alloc")?.timestamp;
  const begin = Math.min(alloc ?? claimed, claimed);
  const settled = cluster.settledAt;
  const { startAt } = cluster.job;
  // A job that is held for debugging starts when its user releases it.
  const starts = startAt !== undefined && settled !== undefined && startAt >= settled;
  const started = starts && cluster.settle?.outcome === "ready" && !isDebug(cluster);
  const [end, to] = started ? [startAt, "start"] : [settled ?? now, "settle"];
  const bringUpRows = rows.filter(({ step, begin }) => !isOfTeardown(step) && begin <= end);
  const last = lastOf(bringUpRows, cluster.settle, settled ?? now);
  const chain = chainOf(bringUpRows, last, begin, settled ?? now);
  const open = settled === undefined && !isOver(cluster);
  const from = alloc === undefined ? "claim" : "alloc";
  return {
    name: "bring-up",
    begin,
    end,
    from,
    to: open ? "now" : to,
    rows: bringUpRows,
    chain,
    open,
  } as const;
}

/** The first teardown, and one for each later cleaning of leftovers. */
function teardowns({ cluster, events, record }: SeenJob, rows: Row[], now: number): Phase[] {
  const start = first(record, "teardown-start");
  if (start === undefined) return [];
  const ends = record.filter(({ name }) => name === "down").map(({ timestamp }) => timestamp);
  const downRows = rows.filter(({ step }) => isOfTeardown(step));
  const jobEnded = jobEnd({ cluster, events, record });
  const phases: Phase[] = [];
  let before = -Infinity;
  for (const down of [...ends, Infinity]) {
    const teardownRows = downRows.filter(({ end }) => end > before && end <= down);
    const isFirst = phases.length === 0;
    if (teardownRows.length === 0 && !(isFirst && before === -Infinity)) continue;
    const begin = isFirst
      ? Math.min(jobEnded.at, start)
      : Math.min(...teardownRows.map((row) => row.begin));
    const open = down === Infinity;
    const freed = isFirst && !open ? freeAt(events, down) : undefined;
    const end = freed ?? (open ? now : down);
    const last = latest(teardownRows);
    phases.push({
      name: isFirst ? "teardown" : "cleaning",
      ...{ begin, end, rows: teardownRows, chain: chainOf(teardownRows, last, begin, end), open },
      from: isFirst ? (jobEnded.at <= start ? jobEnded.name : "teardown-start") : "step-start",
      to: open ? "now" : freed === undefined ? "down" : "free",
    });
    before = down;
  }
  return phases;
}

/**
 * The event that ended the job, and its time in seconds since the epoch; Infinity if there is no
 * such event.
 */
function jobEnd({ cluster, events }: SeenJob): { at: number; name: string } {
  const { startAt, finishAt } = cluster.job;
  if (startAt !== undefined && finishAt !== undefined) return { at: finishAt, name: "finish" };
  const fatal = events.find(
    ({ name, context }) => name === "exception" && context?.["severity"] === 0,
  );
  return { at: fatal?.timestamp ?? finishAt ?? Infinity, name: fatal ? "exception" : "finish" };
}

/**
 * When Flux freed the nodes after the teardown. Undefined if Flux freed them earlier, or not yet.
 */
function freeAt(events: SeenJob["events"], down: number): number | undefined {
  return events.find(({ name, timestamp }) => name === "free" && timestamp >= down)?.timestamp;
}

function first(record: RecordEvent[], name: RecordEvent["name"]): number | undefined {
  return record.find((event) => event.name === name)?.timestamp;
}
