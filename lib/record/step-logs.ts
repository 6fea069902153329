/**
 * Writes what steps printed at last, as parts of the commits that record their ends:
 * what the record has, this has, and it costs no write of its own.
 *
 * Promises: no step's text grows beyond TEXT_MAX, whatever daemons have written it;
 * a text takes at most half of the remaining space, so that later tries have
 * room.
 */
import type { Step } from "../cluster/steps.js";
import { kvsDirectory } from "../flux/jobid.js";
import { INSTANCE } from "../usernetes/names.js";
import { formatTail, TEXT_MAX, type Tail } from "./step-tails.js";

/** The directory with a text for each step, beside the record. */
export const logsKey = (jobid: bigint): string =>
  jobid === INSTANCE ? "usernetes.log" : `${kvsDirectory(jobid)}.usernetes.log`;

export class StepLogs {
  /** Bytes of each step's text. */
  private readonly sizes = new Map<Step, number>();
  private readonly unknown = new Set<Step>();

  constructor(
    private readonly jobid: bigint,
    private readonly lookup: (key: string) => Promise<string | undefined>,
  ) {}

  /** An earlier daemon has recorded ends of these: it may have written of them, too. */
  takeUp(steps: Iterable<Step>): void {
    for (const step of steps) this.unknown.add(step);
  }

  /** What to append; `written` when it is. */
  async append(
    tails: (Tail & { step: Step })[],
  ): Promise<{ texts: ["append", string, string][]; written: () => void }> {
    const sizes = new Map<Step, number>();
    const texts: ["append", string, string][] = [];
    for (const tail of tails) {
      const { step } = tail;
      const size = sizes.get(step) ?? (await this.sizeOf(step));
      const text = formatTail(tail, Math.floor((TEXT_MAX - size) / 2));
      sizes.set(step, size + Buffer.byteLength(text));
      if (text !== "") texts.push(["append", this.key(step), text]);
    }
    const written = (): void => {
      for (const [step, size] of sizes) this.sizes.set(step, size);
    };
    return { texts, written };
  }

  private key(step: Step): string {
    return `${logsKey(this.jobid)}.${step}`;
  }

  private async sizeOf(step: Step): Promise<number> {
    if (this.unknown.has(step)) {
      this.sizes.set(step, Buffer.byteLength((await this.lookup(this.key(step))) ?? ""));
      this.unknown.delete(step);
    }
    return this.sizes.get(step) ?? 0;
  }
}
