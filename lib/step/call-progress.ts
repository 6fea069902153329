/**
 * Where each rank of a call is, from its reports: each step's end is told once,
 * and every rank gets one for its last step, whatever becomes of it.
 */
import type { NodeStep } from "../cluster/steps.js";
import { STEP_LIMIT_S } from "../cluster/steps.js";
import type { Outcome } from "../host/command.js";
import type { Fault, StepStatus } from "../record/events.js";
import { oneLine, plainLine } from "../record/notes.js";
import { causesOf } from "./cause.js";
import { failureOf } from "./faults.js";
import { execErrors, sudoRefusals, type Report } from "./reports.js";

export interface Call<Name extends string = NodeStep> {
  steps: Name[];
  ranks: number[];
  env: Record<string, string>;
  /** Whom the steps run as; undefined: the instance owner. */
  userid?: number | undefined;
  /** Seconds that all of it may take; each step has its own limit too. */
  limitS: number;
}

export interface StepEnd<Name extends string = NodeStep> {
  step: Name;
  rank: number;
  status: StepStatus;
  note: string;
  fault: Fault | undefined;
  /** The work directory is the lead's, too. */
  shared: boolean;
  /** What it gives, where that is told before the call ends: the join-command. */
  result: string | undefined;
  /** The last lines that it printed; more of a step that failed. */
  tail: string[];
  /** The rank goes on with this one. */
  next: Name | undefined;
  /** Other ranks of the call are still to end this step. */
  more: boolean;
}

/** What a step waits for while it runs. */
export interface StepWait<Name extends string = NodeStep> {
  step: Name;
  rank: number;
  note: string;
}

export interface CallOptions<Name extends string = NodeStep> {
  signal: AbortSignal;
  /** Its broker is not up: nothing more will come of it. */
  isLost: (rank: number) => boolean;
  /** Calls back when `isLost` may have changed; gives what ends that. */
  onChange: (callback: () => void) => () => void;
  onEnd: (end: StepEnd<Name>) => void;
  onProgress?: (wait: StepWait<Name>) => void;
}

/** Reports of what a step waits for that are passed on, of each rank: a record is bounded. */
const WAITS_MAX = 200;

/** Lines of a step that failed that its cause is looked for in; the node sends no more. */
const SEEN = 24;
/** The last lines of a step that are passed on, for the record. */
const TAIL = 12;
/** What run.sh puts into a log after a try that failed: what comes before is not of this one. */
const END_OF_TRY = /^-- exit [0-9]+ --$/;

/** Seconds, as run.sh is given them. */
export function stepLimit(step: string, call: Pick<Call, "limitS">): string {
  const own = (STEP_LIMIT_S as Partial<Record<string, number>>)[step] ?? Infinity;
  return String(Math.max(1, Math.min(own, Math.ceil(call.limitS))));
}

/** Where each rank of a call is, from its reports. */
export class CallProgress<Name extends string = NodeStep> {
  /** The step that each unfinished rank is at. */
  private readonly at: Map<number, Name>;
  /** How many ranks are at each of the steps. */
  private readonly counts: number[];
  private readonly tails = new Map<number, string[]>();
  private readonly waits = new Map<number, number>();
  private abandoned = false;
  private readonly results = new Map<string, string>();

  constructor(
    private readonly call: Call<Name>,
    private readonly options: CallOptions<Name>,
  ) {
    const first = call.steps[0];
    this.at = new Map(first === undefined ? [] : call.ranks.map((rank) => [rank, first]));
    this.counts = call.steps.map((_, place) => (place === 0 ? this.at.size : 0));
  }

  take(report: Report<Name>): void {
    const { rank } = report;
    if (!this.at.has(rank)) return;
    switch (report.report) {
      case "end":
        this.end(report);
        break;
      case "result":
        this.results.set(`${report.step} ${rank}`, report.text);
        break;
      case "progress":
        this.wait(rank, report.step, report.text);
        break;
      case "gone":
        this.lose(rank, "the step runner on this node exited unexpectedly");
        break;
      case "tail":
        this.keep(rank, report.text);
    }
  }

  private wait(rank: number, step: Name, text: string): void {
    const count = (this.waits.get(rank) ?? 0) + 1;
    this.waits.set(rank, count);
    const note = oneLine(text);
    if (count > WAITS_MAX || note === "" || this.at.get(rank) !== step) return;
    this.options.onProgress?.({ step, rank, note });
  }

  private keep(rank: number, text: string): void {
    const lines = text.split("\x1e").map((line) => plainLine(line));
    if (text.endsWith("\x1e")) lines.pop();
    this.tails.set(rank, [...(this.tails.get(rank) ?? []), ...lines].slice(-SEEN));
  }

  private end({ rank, step, exit, shared }: Report<Name> & { report: "end" }): void {
    const said = this.tails.get(rank) ?? [];
    this.tails.delete(rank);
    const before = exit === 0 ? said.findLastIndex((line) => END_OF_TRY.test(line)) : -1;
    const lines = said.slice(before + 1);
    const tail = lines.slice(-TAIL);
    const next = exit === 0 ? this.call.steps[this.call.steps.indexOf(step) + 1] : undefined;
    this.move(rank, next);
    const more = this.isBehind(step);
    const limit = stepLimit(step, this.call);
    const status = exit === 0 ? "ok" : exit === 124 || exit === 137 ? "timeout" : "failed";
    const why = status === "timeout" ? `timed out after ${limit} s` : `exit ${exit}`;
    const causes = causesOf(lines);
    const failure = status === "failed" ? failureOf(step, causes, this.call.env) : undefined;
    const words = failure?.note ?? causes.join("; ");
    const note = status === "ok" ? "" : oneLine(words ? `${why}: ${words}` : why);
    const fault = failure?.fault;
    const result = this.results.get(`${step} ${rank}`);
    this.options.onEnd({ step, rank, status, note, fault, shared, result, tail, next, more });
  }

  /** Ends the steps of ranks that are lost: nothing more will come of them. */
  abandonLost(): void {
    for (const rank of [...this.at.keys()].filter(this.options.isLost)) {
      this.abandoned = true;
      this.lose(rank, "the node was lost");
    }
  }

  /** The rank is still to end a step. */
  isAt(rank: number): boolean {
    return this.at.has(rank);
  }

  /** All has been told. */
  isDone(): boolean {
    return this.at.size === 0;
  }

  /** All has been told, but flux exec still waits for a rank that is lost, and may for minutes. */
  isStuck(): boolean {
    return this.abandoned && this.at.size === 0;
  }

  /** The ranks that never reported their end. */
  finish(words: string[], outcome: Outcome): void {
    const { timedOut, exitCode, reason } = outcome;
    const general = this.options.signal.aborted
      ? "stopped"
      : timedOut
        ? "flux exec timed out"
        : (words.at(-1) ?? (reason || `flux exec ended with ${exitCode ?? "a signal"}`));
    this.hear(words, general);
  }

  /** What flux exec or sudo(8) says of ranks, where nothing has begun; `others`: of all others. */
  hear(words: string[], others?: string): void {
    const errors = execErrors(words);
    const refusals = sudoRefusals(words);
    for (const [rank, step] of [...this.at]) {
      const refusal = this.call.userid === undefined ? undefined : refusals.get(rank);
      const why = errors.get(rank) ?? others;
      if (refusal !== undefined) {
        this.tails.set(rank, [refusal]);
        this.end({ report: "end", rank, step, exit: 1, shared: false });
      } else if (why !== undefined) this.lose(rank, why);
    }
  }

  lose(rank: number, why: string): void {
    const step = this.at.get(rank);
    if (step === undefined) return;
    this.move(rank, undefined);
    const more = this.isBehind(step);
    const note = oneLine(why);
    const nothing = {
      fault: undefined,
      shared: false,
      result: undefined,
      tail: [],
      next: undefined,
    };
    this.options.onEnd({ step, rank, status: "lost", note, more, ...nothing });
  }

  /** The rank goes on to a step, or ends. */
  private move(rank: number, to: Name | undefined): void {
    const from = this.at.get(rank);
    if (from !== undefined) this.count(from, -1);
    if (to === undefined) this.at.delete(rank);
    else {
      this.at.set(rank, to);
      this.count(to, 1);
    }
  }

  private count(step: Name, by: number): void {
    const place = this.call.steps.indexOf(step);
    this.counts[place] = (this.counts[place] ?? 0) + by;
  }

  /** Whether any rank is yet to end the step. */
  private isBehind(step: Name): boolean {
    const place = this.call.steps.indexOf(step);
    return this.counts.slice(0, place + 1).some((ranks) => ranks > 0);
  }
}
