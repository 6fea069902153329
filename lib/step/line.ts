/**
 * A line to the nodes: one `flux exec` for the whole of a bring-up, whose shells
 * wait for the word to take their next steps. A word is there in 2 ms, where a
 * flux exec of its own takes some 80 (docs/decisions/0011).
 *
 * Promises: a call over the line comes to the same as one of its own, and ends
 * whatever becomes of the line; what the line does not serve is left to a flux
 * exec. What it is told goes to all its ranks.
 */
import { randomBytes } from "node:crypto";
import type { NodeStep } from "../cluster/steps.js";
import { encodeIdset } from "../flux/idset.js";
import { fluxExec } from "../flux/exec.js";
import type { Input, Outcome, Run } from "../host/command.js";
import { CallProgress, stepLimit, type Call, type CallOptions } from "./call-progress.js";
import { execErrors, parseReport, sudoRefusals, type Report } from "./reports.js";
import { lineScript } from "./scripts.js";
import { lineEnvironment, startCommand } from "./start-command.js";

export type LineOptions = Omit<CallOptions, "onEnd"> & {
  /** Calls back after so many ms; gives what takes that back. */
  after: (ms: number, callback: () => void) => () => void;
  /** No call was made for this cluster before, which its nodes would have to end. */
  untouched: boolean;
};

/** ms until a rank that does not answer is given up, and a line that does not end. */
const PATIENCE_MS = 60_000;

interface Served {
  progress: CallProgress;
  done: () => void;
}

export class Line {
  /** Ranks that take steps, or will when they are there. */
  private readonly ranks: Set<number>;
  private readonly here = new Set<number>();
  private readonly serving = new Set<Served>();
  private readonly words: string[] = [];
  private readonly nonce = randomBytes(9).toString("base64url");
  private readonly stopped = new AbortController();
  private readonly takeBack: (() => void)[] = [];
  private input: Input | undefined;
  private closed = false;
  private given = false;

  /** `all`: its ranks, and all steps that it may be asked for. */
  constructor(
    run: Run,
    private readonly all: Call,
    private readonly options: LineOptions,
  ) {
    this.ranks = new Set(all.ranks);
    const steps = all.steps.flatMap((step) => [step, stepLimit(step, all), lineScript(step)]);
    const call = { ...all, env: { ...all.env, ...lineEnvironment(options.untouched) } };
    const command = fluxExec(all.ranks, startCommand(call, this.nonce, steps), { input: true });
    this.takeBack.push(
      options.onChange(() => {
        for (const rank of [...this.ranks].filter(options.isLost))
          this.drop(rank, "the node was lost");
      }),
      options.after(PATIENCE_MS, () => {
        for (const rank of this.ranks)
          if (!this.here.has(rank))
            this.drop(rank, this.words.at(-1) ?? "the node does not answer");
      }),
    );
    void run(command, {
      signal: AbortSignal.any([options.signal, this.stopped.signal]),
      onInput: (input) => (this.input = input),
      onStderrLine: (line) => {
        this.hear(line);
      },
    }).then((outcome) => {
      this.end(outcome);
    });
  }

  /** Whether a call over it would come to the same as one of its own. */
  serves({ steps, ranks, env, userid }: Call): boolean {
    const { all } = this;
    const busy = (rank: number) => [...this.serving].some(({ progress }) => progress.isAt(rank));
    return (
      !this.closed &&
      userid === all.userid &&
      // Only the instance owner may read the archive.
      (userid === undefined || this.given || !steps.includes("fetch-join")) &&
      steps.every((step) => all.steps.includes(step)) &&
      ranks.every((rank) => this.ranks.has(rank) && !busy(rank)) &&
      JSON.stringify(env) === JSON.stringify(all.env)
    );
  }

  /** Whether a flux exec with such a step takes it for what an earlier one has left. */
  has(step: NodeStep): boolean {
    return !this.closed && this.all.steps.includes(step);
  }

  /**
   * Tells all its ranks the join-command, which fetch-join puts into place. It is
   * theirs, as the archive is; until then it is in the memory of their shells.
   */
  give(joinCommand: string): void {
    if (this.closed) return;
    this.given = true;
    this.input?.write(`give ${Buffer.from(joinCommand).toString("base64")}`);
  }

  /** They need no archive. */
  hasJoin(): boolean {
    return this.given && !this.closed;
  }

  take(call: Call, onEnd: CallOptions["onEnd"]): Promise<void> {
    const progress = new CallProgress(
      { ...call, limitS: this.all.limitS },
      { ...this.options, onEnd },
    );
    return new Promise((done) => {
      this.serving.add({ progress, done });
      this.input?.write(`${encodeIdset(call.ranks)} ${call.steps.join(" ")}`);
    });
  }

  /** No more is asked for; what is under way goes on. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.input?.end();
    this.takeBack.push(
      this.options.after(PATIENCE_MS, () => {
        if (this.serving.size === 0) this.stopped.abort();
      }),
    );
  }

  private hear(line: string): void {
    const report = parseReport(line, this.nonce, this.all.steps);
    if (report) {
      this.hearReport(report);
      return;
    }
    if (this.words.length < 200) this.words.push(line.slice(0, 4096));
    // Nothing more will come of these ranks; the others' flux exec goes on.
    const refusals = this.all.userid === undefined ? [] : [...sudoRefusals([line]).keys()];
    const refused = refusals.filter((rank) => !this.here.has(rank));
    for (const rank of [...execErrors([line]).keys(), ...refused]) {
      this.ranks.delete(rank);
      this.each((progress) => {
        progress.hear([line]);
      });
    }
  }

  private hearReport(report: Report): void {
    const { rank } = report;
    if (report.report === "here") this.here.add(rank);
    else if (report.report === "gone") this.ranks.delete(rank);
    this.each((progress) => {
      progress.take(report);
    });
  }

  private drop(rank: number, why: string): void {
    this.ranks.delete(rank);
    this.each((progress) => {
      progress.lose(rank, why);
    });
  }

  private end(outcome: Outcome): void {
    this.closed = true;
    for (const takeBack of this.takeBack) takeBack();
    this.each((progress) => {
      progress.finish(this.words, outcome);
    });
  }

  /** Tells each call under way; what it ends is over. */
  private each(tell: (progress: CallProgress) => void): void {
    for (const served of this.serving) {
      tell(served.progress);
      if (!served.progress.isDone()) continue;
      this.serving.delete(served);
      served.done();
    }
  }
}
