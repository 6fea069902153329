/**
 * Logs the ends of steps, in one line for all ranks with the same result. The ring that flux dmesg
 * reads has 1,024 lines for the whole instance. With a line for each step of each rank, a cluster
 * of 200 nodes would overwrite its own lines.
 */
import { names, type Cluster } from "../lib/cluster/state.js";
import type { Step } from "../lib/cluster/steps.js";
import type { Clock } from "../lib/host/clock.js";
import type { StepStatus } from "../lib/record/events.js";
import type { LogFields, Level } from "../lib/log.js";

/** Milliseconds for which a line waits for other ranks, after the first end. */
const GATHER_MS = 1000;
/**
 * Maximum characters of the names of nodes. Names beyond that are omitted, so that the line still
 * has the result.
 */
const NAMES_MAX = 300;

export interface StepEnded {
  step: Step;
  rank: number;
  attempt: number;
  status: StepStatus;
  note: string;
  seconds: number;
  /** The last lines that the step printed. */
  tail: readonly string[];
}

/** `rank`: the first rank with this result, whose output is kept. */
type GroupedEnd = StepEnded & { ranks: number[] };

export class StepLog {
  private readonly waiting = new Map<string, GroupedEnd>();
  private cancelTimer: (() => void) | undefined;

  constructor(
    private readonly cluster: Cluster,
    private readonly clock: Clock,
    private readonly say: (level: Level, text: string, fields?: LogFields) => void,
  ) {}

  /** Adds the end of a step on a rank. `more`: other ranks are about to end the step, too. */
  add(end: StepEnded, more: boolean): void {
    const { step, rank, attempt, status, note } = end;
    const key = JSON.stringify([step, attempt, status, note]);
    const group = this.waiting.get(key) ?? { ...end, ranks: [] };
    this.waiting.set(key, group);
    group.ranks.push(rank);
    group.seconds = Math.max(group.seconds, end.seconds);
    if (more)
      this.cancelTimer ??= this.clock.after(GATHER_MS, () => {
        this.flush();
      });
    else this.flush();
  }

  /** Logs the waiting ends, which must come before later lines. */
  flush(): void {
    this.cancelTimer?.();
    this.cancelTimer = undefined;
    const groups = [...this.waiting.values()];
    this.waiting.clear();
    for (const each of groups) this.log(each);
  }

  private log({ step, rank, ranks, attempt, status, note, seconds, tail }: GroupedEnd): void {
    ranks.sort((a, b) => a - b);
    const level = status === "ok" || note === "stopped" ? "info" : "error";
    const tried = attempt > 1 ? ` (try ${attempt})` : "";
    const how = status === "ok" ? `ok in ${seconds} s${tried}` : `${status}${tried}: ${note}`;
    const fields = { step, ranks, status, seconds };
    this.say(level, `${step}: ${shortNames(this.cluster, ranks)}: ${how}`, fields);
    // The logs on the nodes have the output of successful steps, and of the other ranks.
    if (status === "ok") return;
    for (const line of tail) this.say("debug", `${step}: rank ${rank}: ${line}`);
  }
}

/**
 * Returns `node[0-3] (rank 0-3)`. If the names are too long, returns as many ranks as fit, and the
 * number of the others.
 */
export function shortNames(cluster: Cluster, ranks: readonly number[]): string {
  const all = names(cluster, ranks);
  if (all.length <= NAMES_MAX) return all;
  let shown = ranks.length;
  let text = all;
  while (text.length > NAMES_MAX && shown > 1) {
    shown = Math.max(1, Math.min(shown - 1, Math.floor((shown * NAMES_MAX) / text.length)));
    text = names(cluster, ranks.slice(0, shown));
  }
  return `${text} and ${ranks.length - shown} more`;
}
