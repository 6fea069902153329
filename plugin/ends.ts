/**
 * How steps have ended, for people: one line for the ranks that a step has ended alike
 * on. The ring that flux dmesg reads has 1,024 lines for the whole instance, and a line
 * for each step of each rank would have a cluster of 200 nodes push its own story out.
 */
import { names, type Cluster } from "../lib/cluster/state.js";
import type { Step } from "../lib/cluster/steps.js";
import type { Clock } from "../lib/host/clock.js";
import type { StepStatus } from "../lib/record/events.js";
import type { Level } from "./world.js";

/** How long a line waits for other ranks, from the first on. */
const GATHER_MS = 1000;

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

type Told = Omit<StepEnded, "rank"> & { ranks: number[] };

export class Ends {
  private readonly waiting = new Map<string, Told>();
  private cancelTimer: (() => void) | undefined;

  constructor(
    private readonly cluster: Cluster,
    private readonly clock: Clock,
    private readonly say: (level: Level, text: string) => void,
  ) {}

  /** `more`: other ranks are about to end it, too. */
  add({ rank, ...end }: StepEnded, more: boolean): void {
    const { step, attempt, status, note } = end;
    const key = JSON.stringify([step, attempt, status, note]);
    const told = this.waiting.get(key) ?? { ...end, ranks: [] };
    this.waiting.set(key, told);
    told.ranks.push(rank);
    told.seconds = Math.max(told.seconds, end.seconds);
    if (more)
      this.cancelTimer ??= this.clock.after(GATHER_MS, () => {
        this.flush();
      });
    else this.flush();
  }

  /** What waits is said, before what comes after it. */
  flush(): void {
    this.cancelTimer?.();
    this.cancelTimer = undefined;
    const told = [...this.waiting.values()];
    this.waiting.clear();
    for (const each of told) this.tell({ ...each, ranks: each.ranks.sort((a, b) => a - b) });
  }

  private tell({ step, ranks, attempt, status, note, seconds, tail }: Told): void {
    const level = status === "ok" || note === "stopped" ? "info" : "error";
    const tried = attempt > 1 ? ` (try ${attempt})` : "";
    const how = status === "ok" ? `ok in ${seconds} s${tried}` : `${status}${tried}: ${note}`;
    this.say(level, `${step}: ${names(this.cluster, ranks)}: ${how}`);
    // What went well is in its log, and so is what the others printed.
    if (status === "ok") return;
    for (const line of tail) this.say("debug", `${step}: rank ${ranks[0] ?? 0}: ${line}`);
  }
}
