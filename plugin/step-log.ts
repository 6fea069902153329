/**
 * The log lines about the ends of steps: one line for the ranks that a step has ended the same way
 * on. The ring that flux dmesg reads has 1,024 lines for the whole instance, and a line
 * for each step of each rank would have a cluster of 200 nodes push its own story out.
 */
import { names, type Cluster } from "../lib/cluster/state.js";
import type { Step } from "../lib/cluster/steps.js";
import type { Clock } from "../lib/host/clock.js";
import type { StepStatus } from "../lib/record/events.js";
import type { LogFields, Level } from "../lib/log.js";

/** How long a line waits for other ranks, from the first on. */
const GATHER_MS = 1000;
/** Characters of the names of nodes: a line is cut, and ends with how the step has ended. */
const NAMES_MAX = 300;

export interface StepEnded {
  step: Step;
  rank: number;
  attempt: number;
  status: StepStatus;
  note: string;
  seconds: number;
  /** What it printed at last. */
  tail: readonly string[];
}

/** `rank`: the first that ended so, whose output it is. */
type GroupedEnd = StepEnded & { ranks: number[] };

export class StepLog {
  private readonly waiting = new Map<string, GroupedEnd>();
  private cancelTimer: (() => void) | undefined;

  constructor(
    private readonly cluster: Cluster,
    private readonly clock: Clock,
    private readonly say: (level: Level, text: string, fields?: LogFields) => void,
  ) {}

  /** `more`: other ranks are about to end it, too. */
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

  /** Logs the waiting ends, before anything later. */
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
    // What went well is in its log, and so is what the others printed.
    if (status === "ok") return;
    for (const line of tail) this.say("debug", `${step}: rank ${rank}: ${line}`);
  }
}

/** `node[0-3] (rank 0-3)`; of scattered ones as many as a line has room for, and how many there are. */
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
