/**
 * The log lines about the ends of steps: one line for all ranks with the same result. The ring
 * that flux dmesg reads has 1,024 lines for the whole instance: with a line for each step of each
 * rank, a cluster of 200 nodes would overwrite its own lines.
 */
import { names, type Cluster } from "../lib/cluster/state.js";
import type { Step } from "../lib/cluster/steps.js";
import type { Clock } from "../lib/host/clock.js";
import type { StepStatus } from "../lib/record/events.js";
import type { LogFields, Level } from "../lib/log.js";

/** How long a line waits for other ranks, from the first on. */
const GATHER_MS = 1000;
/** Characters of the names of nodes: they are cut, so that the line ends with the result. */
const NAMES_MAX = 300;

export interface StepEnded {
  step: Step;
  rank: number;
  attempt: number;
  status: StepStatus;
  note: string;
  seconds: number;
  /** The last lines that it printed. */
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
    // The logs of the steps have the output of successes, and of the other ranks.
    if (status === "ok") return;
    for (const line of tail) this.say("debug", `${step}: rank ${rank}: ${line}`);
  }
}

/** `node[0-3] (rank 0-3)`; of scattered ranks as many as fit into a line, and their number. */
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
