/**
 * The longest chain of a bring-up or a teardown. It leads from the end back through the steps: each
 * step waited for the end of the one before it. If a step of the chain takes less time, the cluster
 * is ready sooner. Pure.
 */
import {
  CONTROL_PLANE,
  isOfTeardown,
  isStep,
  OF_WORKERS,
  rowOf,
  STEPS,
  type Step,
} from "../../cluster/steps.js";
import type { Settle } from "../../record/events.js";
import type { Row } from "./rows.js";

/** The part of a row that is on the chain: it starts at the end of what the row waited for. */
export interface Link {
  row: Row;
  begin: number;
  end: number;
}

/** What a step waits for. */
interface Waits {
  /** Steps on the same rank. */
  same: Set<Step>;
  /** Steps on any rank. */
  any: Set<Step>;
  /**
   * Whether the step waits for other ranks to join, because the number of ranks that join at the
   * same time is limited.
   */
  room: boolean;
}

/** What a step waits for, according to the table of steps. */
function waitsOf(step: Step): Waits {
  const { by, phase, after } = rowOf(step);
  const waits: Waits = { same: new Set(), any: new Set(), room: phase === "join" };
  for (const name of after.filter(isStep)) {
    const other = rowOf(name);
    if (other.by === by || other.by === "all") waits.same.add(name);
    else waits.any.add(name);
    // The lead and the daemon also wait for a worker that the cluster continues without, until it
    // has failed for good.
    if (other.by === "workers" && by !== "workers")
      for (const step of OF_WORKERS) waits.any.add(step);
  }
  // The order of the control plane's own steps does not matter: each may wait for any other.
  if (phase === "control plane")
    for (const own of CONTROL_PLANE) if (own !== step) waits.same.add(own);
  return waits;
}

const WAITS = new Map(STEPS.map((step) => [step, waitsOf(step)]));
const NOTHING: Waits = { same: new Set(), any: new Set(), room: false };

/** Seconds. The ranks of one event may be this far apart, because RecordWriter waits this long. */
const BLUR_S = 2;
const EXACT_S = 0.02;

/**
 * The links in order. No two overlap, and none starts before `from`. Times are seconds since the
 * epoch.
 */
export function chainOf(rows: Row[], last: Row | undefined, from: number, to: number): Link[] {
  const links: Link[] = [];
  const seen = new Set<Row>();
  let end = to;
  let next: Waited | undefined = last && { row: last, until: last.end };
  while (next && !seen.has(next.row) && end > from) {
    const { row, until } = next;
    seen.add(row);
    next = waitedFor(row, rows);
    end = Math.min(end, until);
    const begin = Math.min(end, Math.max(row.begin, next?.until ?? from, from));
    links.unshift({ row, begin, end });
    end = begin;
  }
  return links;
}

/**
 * A row that another one waited for, and the time until which it waited, in seconds since the
 * epoch.
 */
interface Waited {
  row: Row;
  until: number;
}

/** The row that ended last of those that `row` waited for. */
function waitedFor(row: Row, rows: Row[]): Waited | undefined {
  const tried = latest(rows.filter((other) => isTryBefore(row, other)));
  if (tried) return { row: tried, until: tried.end };
  const steps = lastOfAll(rows, (other) => untilOf(row, other));
  // A row that started immediately after the steps that it waits for did not wait for room.
  const isWait = !steps || steps.until < row.begin - EXACT_S;
  const waited = (isWait && lastOfAll(rows, (other) => roomFrom(row, other))) || undefined;
  if (steps && (!waited || waited.until <= steps.until)) return steps;
  if (waited) return waited;
  const before = latest(rows.filter((other) => other.round === row.round - 1));
  return before && { row: before, until: before.end };
}

function lastOfAll(rows: Row[], until: (other: Row) => number | undefined): Waited | undefined {
  let last: Waited | undefined;
  for (const row of rows) {
    const at = until(row);
    if (at !== undefined && (!last || at >= last.until)) last = { row, until: at };
  }
  return last;
}

/**
 * Whether `other` is an earlier try of the same step on a rank of `row`. The row waited for this
 * try, whatever else ended in the meantime.
 */
function isTryBefore(row: Row, other: Row): boolean {
  const { step, round, attempt } = row;
  return (
    other.step === step && other.round === round && other.attempt < attempt && share(row, other)
  );
}

/** The time until which `row` waited for `other`. Undefined if it did not wait for it. */
function untilOf(row: Row, other: Row): number | undefined {
  if (other === row || other.round !== row.round || isBeside(row, other)) return undefined;
  const { same, any } = WAITS.get(row.step) ?? NOTHING;
  const meet = () => share(row, other);
  const ended = (blur: number) =>
    other.end <= Math.min(row.begin + blur, row.end) ? other.end : undefined;
  // `other` is an earlier start of the same step that was cut off.
  if (other.step === row.step) return meet() ? ended(EXACT_S) : undefined;
  if (any.has(other.step)) return ended(BLUR_S);
  if (!same.has(other.step) || !meet()) return undefined;
  // On a rank that both share, `other` ended before `row` started. Other ranks of its event may
  // have ended later than a short `row`.
  const isLate = other.begin < row.begin && other.end <= row.begin + BLUR_S;
  return ended(BLUR_S) ?? (isLate ? row.end : undefined);
}

/**
 * Whether `other` ran beside `row`: on other ranks, started no earlier, and ended after the start
 * of `row`.
 */
function isBeside(row: Row, other: Row): boolean {
  const overlaps = other.begin > row.begin - EXACT_S && other.end > row.begin + EXACT_S;
  return overlaps && !share(row, other);
}

/**
 * The time at which the end of the join `other` made room for `row`. Undefined if it did not. An
 * event has the time of its last rank, but any of its ranks may have made the room.
 */
function roomFrom(row: Row, other: Row): number | undefined {
  const isRoom = WAITS.get(row.step)?.room && other.step === "kubeadm-join";
  if (!isRoom || other === row || other.round !== row.round) return undefined;
  const isLong = other.end - other.begin > BLUR_S;
  if (isLong && Math.abs(other.end - row.begin) <= BLUR_S && other.begin < row.begin)
    return row.begin;
  return other.end <= row.begin + EXACT_S ? other.end : undefined;
}

function share(a: Row, b: Row): boolean {
  const ranks = new Set(a.ranks);
  return b.ranks.some((rank) => ranks.has(rank));
}

/** The row that the bring-up waited for when it settled, or that it waits for now. */
export function lastOf(rows: Row[], settle: Settle | undefined, at: number): Row | undefined {
  const started = rows.filter((row) => row.begin <= at && !isOfTeardown(row.step));
  const ended = started.filter((row) => row.end <= at && row.status !== "running");
  if (settle?.outcome === "ready") return latest(ended);
  // The note starts with the name of the step that failed (lib/cluster/failures.ts).
  const named = ({ step, status }: Row) => status !== "ok" && settle?.note?.startsWith(`${step} `);
  const failed = latest(ended.filter(named));
  const running = started.filter((row) => !ended.includes(row)).sort((a, b) => a.begin - b.begin);
  return failed ?? running[0] ?? latest(ended);
}

export function latest(rows: Row[]): Row | undefined {
  let last: Row | undefined;
  for (const row of rows) if (!last || row.end >= last.end) last = row;
  return last;
}
