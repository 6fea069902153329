/** Prints the output of steps: with a heading for each step and each saved try, or as JSON. */
import type { Step } from "../cluster/steps.js";
import { encodeIdset } from "../flux/idset.js";
import { foldLines } from "../record/fold-lines.js";
import type { KeptLog } from "./saved-logs.js";

/** Lines by rank. */
export type Lines = ReadonlyMap<number, readonly string[]>;

export class LogPrinter {
  hasPrinted = false;
  private heading = "";

  constructor(
    private readonly write: (text: string) => unknown,
    private readonly json: boolean,
  ) {}

  /** Prints a line immediately. */
  line(step: Step, rank: number, text: string): void {
    this.begin(step);
    this.print({ step, ranks: String(rank), line: text });
  }

  /** Prints a step's log from the nodes, with equal lines of several ranks merged. */
  nodeLog(step: Step, lines: Lines): void {
    if (lines.size === 0) return;
    this.begin(step);
    for (const { ranks, text } of foldLines(sorted(lines)))
      this.print({ step, ranks: encodeIdset(ranks), line: text });
  }

  /** Prints the saved last lines of a try, for the ranks in `lines`. */
  kept({ step, attempt, status, note, cut }: KeptLog, lines: Lines): void {
    if (lines.size === 0) return;
    const on = encodeIdset(lines.keys());
    this.begin(`${step}, try ${attempt}: ${status} on ${on}${note && `: ${note}`}`);
    const all = foldLines(sorted(lines));
    const tried = { attempt, status, ...(note ? { note } : {}) };
    for (const { ranks, text } of all)
      this.print({ step, ranks: encodeIdset(ranks), line: text, ...tried });
    // With --json, a try without output gets an empty line, so that a program sees it too.
    if (this.json && all.length === 0) this.print({ step, ranks: on, line: "", ...tried });
    if (cut !== "" && !this.json) this.write(`${cut}\n`);
  }

  private begin(heading: string): void {
    this.hasPrinted = true;
    if (heading === this.heading || this.json) return;
    const space = this.heading === "" ? "" : "\n";
    this.heading = heading;
    this.write(`${space}==> ${heading} <==\n`);
  }

  private print(line: { ranks: string; line: string } & Record<string, unknown>): void {
    this.write(this.json ? `${JSON.stringify(line)}\n` : `${line.ranks}: ${line.line}\n`);
  }
}

const sorted = (lines: Lines) => [...lines].sort(([a], [b]) => a - b);
