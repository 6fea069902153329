/**
 * Prints what steps have printed: each line behind the ranks it is of, as flux exec -l
 * and flux job attach -l label theirs, and under its step's name, as tail(1)
 * separates files. With `json` one object per line.
 */
import type { Step } from "../cluster/steps.js";
import { encodeIdset } from "../flux/idset.js";
import { foldLines } from "../record/fold-lines.js";
import type { KeptLog } from "./kept-logs.js";

/** Lines by rank. */
export type Lines = ReadonlyMap<number, readonly string[]>;

export class LogPrinter {
  /** Whether it has printed anything. */
  hasPrinted = false;
  private heading = "";

  constructor(
    private readonly write: (text: string) => unknown,
    private readonly json: boolean,
  ) {}

  /** As it comes. */
  line(step: Step, rank: number, text: string): void {
    this.begin(step);
    this.print({ step, ranks: String(rank), line: text });
  }

  /** What ranks have of a step's log, the same lines together. */
  whole(step: Step, lines: Lines): void {
    if (lines.size === 0) return;
    this.begin(step);
    for (const { ranks, text } of foldLines(sorted(lines)))
      this.print({ step, ranks: encodeIdset(ranks), line: text });
  }

  /** The last lines of a try, as they were kept, for some of its ranks. */
  kept({ step, attempt, status, note, cut }: KeptLog, lines: Lines): void {
    if (lines.size === 0) return;
    const on = encodeIdset(lines.keys());
    this.begin(`${step}, try ${attempt}: ${status} on ${on}${note && `: ${note}`}`);
    const all = foldLines(sorted(lines));
    const tried = { attempt, status, ...(note ? { note } : {}) };
    for (const { ranks, text } of all)
      this.print({ step, ranks: encodeIdset(ranks), line: text, ...tried });
    // So that a program learns of a try that has printed nothing.
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
