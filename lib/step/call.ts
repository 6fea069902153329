/**
 * One call: a set of ranks take some steps, one `flux exec` for all of them. A
 * rank goes on to its next step by itself, and is told of as soon as it ends
 * one.
 */
import { randomBytes } from "node:crypto";
import type { NodeStep } from "../cluster/steps.js";
import { STEP_LIMIT_S } from "../cluster/steps.js";
import { fluxExec } from "../flux/exec.js";
import type { Outcome, Run } from "../host/command.js";
import type { Fault, StepStatus } from "../record/events.js";
import { oneLine } from "../record/notes.js";
import { faultOf } from "./faults.js";
import { execErrors, lastWords, parseReport, sudoRefusals, type Report } from "./reports.js";
import { stepScript } from "./scripts.js";
import { startCommand } from "./start-command.js";

export interface Call {
  steps: NodeStep[];
  ranks: number[];
  env: Record<string, string>;
  /** Whom the steps run as; undefined: the instance owner. */
  userid?: number | undefined;
  /** Seconds that all of it may take; each step has its own limit too. */
  limitS: number;
}

export interface StepEnd {
  step: NodeStep;
  rank: number;
  status: StepStatus;
  note: string;
  fault: Fault | undefined;
  /** The work directory is the lead's, too. */
  shared: boolean;
  /** The last lines of a step that failed. */
  tail: string[];
  /** The rank goes on with this one. */
  next: NodeStep | undefined;
  /** Other ranks of the call are still to end this step. */
  more: boolean;
}

export interface CallOptions {
  signal: AbortSignal;
  /** Its broker is not up: nothing more will come of it. */
  isLost: (rank: number) => boolean;
  /** Calls back when `isLost` may have changed; gives what ends that. */
  onChange: (callback: () => void) => () => void;
  onEnd: (end: StepEnd) => void;
}

/** Lines of a step that failed; the node sends no more. */
const TAIL = 12;

/** Gives stdout (the join-command, of that step). Every rank gets an end for its last step. */
export async function runCall(run: Run, call: Call, options: CallOptions): Promise<string> {
  const nonce = randomBytes(9).toString("base64url");
  const following = new CallProgress(call, options);
  const words: string[] = [];
  const steps = call.steps.flatMap((step) => [
    step,
    String(stepLimit(step, call)),
    stepScript(step),
  ]);
  const abandoned = new AbortController();
  const stopWatching = options.onChange(() => {
    following.abandonLost();
    if (following.isStuck()) abandoned.abort();
  });
  const outcome = await run(fluxExec(call.ranks, startCommand(call, nonce, steps)), {
    signal: AbortSignal.any([options.signal, abandoned.signal]),
    onStderrLine: (line) => {
      const report = parseReport(line, nonce);
      if (report) {
        following.take(report);
        if (following.isStuck()) abandoned.abort();
      } else if (words.length < 200) words.push(line.slice(0, 4096));
    },
  });
  stopWatching();
  following.finish(words, outcome);
  // `flux exec -l` labels every line.
  return outcome.stdout.replace(/^[0-9]+: /gm, "");
}

function stepLimit(step: NodeStep, call: Call): number {
  return Math.max(1, Math.min(STEP_LIMIT_S[step] ?? Infinity, Math.ceil(call.limitS)));
}

/** Where each rank of a call is, from its reports. */
class CallProgress {
  /** The step that each unfinished rank is at. */
  private readonly at: Map<number, NodeStep>;
  private readonly tails = new Map<number, string[]>();
  private abandoned = false;

  constructor(
    private readonly call: Call,
    private readonly options: CallOptions,
  ) {
    const first = call.steps[0];
    this.at = new Map(first === undefined ? [] : call.ranks.map((rank) => [rank, first]));
  }

  take(report: Report): void {
    const { rank } = report;
    if (!this.at.has(rank)) return;
    if (report.report === "end") this.end(report);
    else this.tails.set(rank, [...(this.tails.get(rank) ?? []), oneLine(report.text)].slice(-TAIL));
  }

  private end({ rank, step, exit, shared }: Report & { report: "end" }): void {
    const tail = this.tails.get(rank) ?? [];
    this.tails.delete(rank);
    const next = exit === 0 ? this.call.steps[this.call.steps.indexOf(step) + 1] : undefined;
    if (next) this.at.set(rank, next);
    else this.at.delete(rank);
    const more = this.isBehind(step);
    const limit = stepLimit(step, this.call);
    const status = exit === 0 ? "ok" : exit === 124 || exit === 137 ? "timeout" : "failed";
    const why = status === "timeout" ? `timed out after ${limit} s` : `exit ${exit}`;
    const words = lastWords(tail);
    const note = status === "ok" ? "" : oneLine(words ? `${why}: ${words}` : why);
    const fault = status === "failed" ? faultOf(step, tail) : undefined;
    this.options.onEnd({ step, rank, status, note, fault, shared, tail, next, more });
  }

  /** Ends the steps of ranks that are lost: nothing more will come of them. */
  abandonLost(): void {
    for (const rank of [...this.at.keys()].filter(this.options.isLost)) {
      this.abandoned = true;
      this.lose(rank, "the node was lost");
    }
  }

  /** All has been told, but flux exec still waits for a rank that is lost, and may for minutes. */
  isStuck(): boolean {
    return this.abandoned && this.at.size === 0;
  }

  /** The ranks that never reported their end. */
  finish(words: string[], outcome: Outcome): void {
    const errors = execErrors(words);
    const refusals = sudoRefusals(words);
    const { timedOut, exitCode, reason } = outcome;
    const general = this.options.signal.aborted
      ? "stopped"
      : timedOut
        ? "flux exec did not end in time"
        : (words.at(-1) ?? (reason || `flux exec ended with ${exitCode ?? "a signal"}`));
    for (const [rank, step] of [...this.at]) {
      const refusal = this.call.userid === undefined ? undefined : refusals.get(rank);
      if (refusal === undefined) this.lose(rank, errors.get(rank) ?? general);
      else {
        this.tails.set(rank, [refusal]);
        this.end({ report: "end", rank, step, exit: 1, shared: false });
      }
    }
  }

  private lose(rank: number, why: string): void {
    const step = this.at.get(rank);
    if (step === undefined) return;
    this.at.delete(rank);
    const more = this.isBehind(step);
    const note = oneLine(why);
    const nothing = { fault: undefined, shared: false, tail: [], next: undefined };
    this.options.onEnd({ step, rank, status: "lost", note, more, ...nothing });
  }

  /** Whether any rank is yet to end the step. */
  private isBehind(step: NodeStep): boolean {
    const place = this.call.steps.indexOf(step);
    for (const at of this.at.values()) if (this.call.steps.indexOf(at) <= place) return true;
    return false;
  }
}
