/**
 * Tracks the step of each rank of a chain, by the ranks' reports. The end of each step is passed on
 * once for each rank. Every rank gets an end for its last step, even if the rank is lost.
 */
import { isStep, rowOf, type NodeStep } from "../cluster/steps.js";
import type { Hooks } from "../config/template.js";
import type { Fault, StepStatus } from "../record/events.js";
import { oneLine, plainLine } from "../record/notes.js";
import { causesOf } from "./cause.js";
import { failureOf } from "./faults.js";
import type { Report } from "./protocol.js";

/** Steps that each of these ranks takes, one after another. */
export interface Chain<Name extends string = NodeStep> {
  steps: readonly Name[];
  ranks: readonly number[];
  /** The environment of the steps. */
  env: Record<string, string>;
  /** Variables of the site, which the agent adds to `env`. */
  site: Record<string, string>;
  /** The programs of the site's hooks. */
  hooks?: Hooks;
  /** Seconds that the whole chain may take. Each step also has its own limit. */
  limitS: number;
  /** The limit in seconds of a step without a limit of its own; undefined for limitS. */
  eachS?: number | undefined;
}

export interface StepEnd<Name extends string = NodeStep> {
  step: Name;
  rank: number;
  status: StepStatus;
  note: string;
  fault: Fault | undefined;
  /** The node shares the work directory with the lead. */
  shared: boolean;
  /** The result of a step that has one: the join-command. */
  result: string | undefined;
  /** The last lines that the step printed: 4 if it succeeded, otherwise up to 12. */
  tail: string[];
  /** The next step of the rank. */
  next: Name | undefined;
  /** Whether other ranks of the chain have not ended this step yet. */
  more: boolean;
}

/** The reason why a running step waits. */
export interface StepWait<Name extends string = NodeStep> {
  step: Name;
  rank: number;
  note: string;
}

export interface ChainListener<Name extends string = NodeStep> {
  onEnd: (end: StepEnd<Name>) => void;
  onProgress?: ((wait: StepWait<Name>) => void) | undefined;
}

/**
 * Maximum number of progress reports of a rank that are passed on, so that the record stays
 * bounded.
 */
const WAITS_MAX = 200;
/**
 * Maximum number of lines in which the cause of a failure is searched. The agent sends 24 lines of
 * output and up to 2 of its own.
 */
const LINES_MAX = 24;
/** Maximum number of last lines of a step that are passed on for the record. */
const TAIL = 12;

const SUDO_RULE = "the rule of etc/sudoers.d/usernetes is needed on this node";

/** Seconds that one step of a chain may take. */
export function stepLimit(
  step: string,
  { limitS, eachS = Infinity }: Pick<Chain, "limitS" | "eachS">,
): number {
  const stepLimitS = (isStep(step) ? rowOf(step).limitS : undefined) ?? eachS;
  return Math.max(1, Math.min(stepLimitS, Math.ceil(limitS)));
}

export class ChainTracker<Name extends string = NodeStep> {
  /** The current step of each rank that has not ended its last step. */
  private readonly at = new Map<number, Name>();
  private readonly waits = new Map<number, number>();
  private readonly results = new Map<string, string>();

  constructor(
    private readonly chain: Chain<Name>,
    private readonly listener: ChainListener<Name>,
  ) {
    const [first] = chain.steps;
    if (first !== undefined) for (const rank of chain.ranks) this.at.set(rank, first);
  }

  take(report: Report): void {
    const { rank } = report;
    const step = this.at.get(rank);
    if (step === undefined) return;
    switch (report.report) {
      case "end":
        if (report.step === step) this.end(report, step);
        break;
      case "result":
        this.results.set(`${report.step} ${rank}`, report.text);
        break;
      case "progress":
        if (report.step === step) this.wait(rank, step, report.text);
        break;
      case "refused":
        this.refuse(rank, step, report.text);
        break;
      case "gone":
        this.lose(rank, report.text || "the step runner on this node exited unexpectedly");
    }
  }

  /** Whether the rank has not ended its last step. */
  isAt(rank: number): boolean {
    return this.at.has(rank);
  }

  isDone(): boolean {
    return this.at.size === 0;
  }

  /** The ranks that have not ended their last step. */
  ranks(): number[] {
    return [...this.at.keys()];
  }

  lose(rank: number, why: string): void {
    const step = this.at.get(rank);
    if (step === undefined) return;
    this.at.delete(rank);
    this.pass({ step, rank, status: "lost", note: oneLine(why) });
  }

  private wait(rank: number, step: Name, text: string): void {
    const count = (this.waits.get(rank) ?? 0) + 1;
    this.waits.set(rank, count);
    const note = oneLine(text);
    if (count <= WAITS_MAX && note !== "") this.listener.onProgress?.({ step, rank, note });
  }

  /** The agent cannot run anything as the cluster's user on this rank. */
  private refuse(rank: number, step: Name, text: string): void {
    const isSudo = /^(sudo: |Sorry, user )/.test(text);
    const why = text.replace(/^(sudo: )?/, isSudo ? "sudo: " : "").slice(0, 200);
    const tail = [isSudo ? `${why}; ${SUDO_RULE}` : text];
    this.end({ rank, report: "end", step, status: "failed", exit: 1, tail }, step);
  }

  private end(report: Report & { report: "end" }, step: Name): void {
    const { rank, status, exit = 1 } = report;
    const lines = report.tail.slice(-LINES_MAX).map((line) => plainLine(line));
    const { steps, env } = this.chain;
    const next = status === "ok" ? steps[steps.indexOf(step) + 1] : undefined;
    if (next === undefined) this.at.delete(rank);
    else this.at.set(rank, next);
    const limit = stepLimit(step, this.chain);
    const why = status === "timeout" ? `timed out after ${limit} s` : `exit ${exit}`;
    const causes = causesOf(lines);
    const failure = status === "failed" ? failureOf(step, causes, env) : undefined;
    const text = failure?.note ?? causes.join("; ");
    this.pass({
      step,
      rank,
      status,
      note: status === "ok" ? "" : oneLine(text ? `${why}: ${text}` : why),
      fault: failure?.fault,
      shared: report.shared ?? false,
      result: this.results.get(`${step} ${rank}`),
      tail: lines.slice(-TAIL),
      next,
    });
  }

  private pass(
    end: Pick<StepEnd<Name>, "step" | "rank" | "status" | "note"> & Partial<StepEnd<Name>>,
  ): void {
    const nothing = { fault: undefined, shared: false, result: undefined, next: undefined };
    this.listener.onEnd({ ...nothing, tail: [], ...end, more: this.isBehind(end.step) });
  }

  /** Whether any rank has not ended the step yet. */
  private isBehind(step: Name): boolean {
    const place = this.chain.steps.indexOf(step);
    return [...this.at.values()].some((at) => this.chain.steps.indexOf(at) <= place);
  }
}
