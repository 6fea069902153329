/**
 * The times at which each step ran on which ranks, from the record. Pure.
 *
 * The ranks of one event are one row. A row ends when its last rank ends, and is as long as its
 * slowest rank (docs/record.md), so the times of a row are only as exact as its ranks are close
 * together.
 */
import { STEPS, type Step } from "../../cluster/steps.js";
import { decodeIdset } from "../../flux/idset.js";
import type { RecordEvent, StepProgress, StepStatus } from "../../record/events.js";

export interface Row {
  step: Step;
  ranks: number[];
  attempt: number;
  /**
   * `cut off`: the record has no end of the try, because the daemon ended, or the bring-up was
   * stopped.
   */
  status: StepStatus | "running" | "cut off";
  /** Seconds since the epoch. */
  begin: number;
  end: number;
  /** Why the try is not ok, or what it waits for while it runs. */
  note: string;
  /** The number of claims so far. A new claim restarts the bring-up. */
  round: number;
}

interface RunningTry {
  attempt: number;
  at: number;
  note: string;
}

type StepEvent = Extract<RecordEvent, { name: "step-start" | "step-finish" }>;

/** The rows in the order in which they ended. Rows that still run come last, and end at `now`. */
export function rowsOf(record: RecordEvent[], now: number): Row[] {
  const reader = new RowReader();
  for (const event of record) reader.take(event);
  return reader.end(now);
}

class RowReader {
  private readonly rows: Row[] = [];
  private readonly started = new Map<Step, Map<number, RunningTry>>();
  private round = 0;

  take(event: RecordEvent): void {
    const { timestamp, name } = event;
    if (name === "step-start" || name === "step-finish") this.step(event);
    else if (name === "step-progress") this.progress(event.context);
    // An end that has not been recorded by then will not be recorded.
    else if (name === "claim" || name === "teardown-start" || name === "down") {
      this.close("cut off", timestamp);
      if (name === "claim") this.round++;
    }
  }

  end(now: number): Row[] {
    this.close("running", now);
    return this.rows;
  }

  private step({ timestamp, name, context }: StepEvent): void {
    const { step, attempt } = context;
    // A later version may have other steps.
    if (!STEPS.includes(step)) return;
    const ranks = decodeIdset(context.ranks);
    const startedSteps = this.started.get(step) ?? new Map<number, RunningTry>();
    this.started.set(step, startedSteps);
    if (name === "step-start") {
      // Another daemon has started the step again.
      this.closeOf(step, { ranks, status: "cut off", at: timestamp });
      for (const rank of ranks) startedSteps.set(rank, { attempt, at: timestamp, note: "" });
      return;
    }
    for (const rank of ranks) startedSteps.delete(rank);
    const { status, seconds, note = "" } = context;
    const times = { begin: timestamp - seconds, end: timestamp };
    this.rows.push({ step, ranks, attempt, status, ...times, note, round: this.round });
  }

  private progress({ step, ranks, attempt, note }: StepProgress): void {
    for (const rank of decodeIdset(ranks)) {
      const running = this.started.get(step)?.get(rank);
      if (running?.attempt === attempt) running.note = note;
    }
  }

  private close(status: "running" | "cut off", at: number): void {
    for (const [step, ranks] of this.started)
      this.closeOf(step, { ranks: [...ranks.keys()], status, at });
  }

  /** Ends the running tries of these ranks. Ranks that started together become one row. */
  private closeOf(
    step: Step,
    { ranks, status, at }: { ranks: number[]; status: "running" | "cut off"; at: number },
  ): void {
    const starts = this.started.get(step);
    const groups = new Map<string, Row>();
    for (const rank of ranks) {
      const running = starts?.get(rank);
      if (!running) continue;
      starts?.delete(rank);
      const key = `${running.at} ${running.attempt}`;
      const row = groups.get(key) ?? {
        ...{
          step,
          ranks: [],
          attempt: running.attempt,
          status,
          note: running.note,
          round: this.round,
        },
        ...{ begin: running.at, end: Math.max(running.at, at) },
      };
      row.ranks.push(rank);
      groups.set(key, row);
    }
    this.rows.push(...groups.values());
  }
}
