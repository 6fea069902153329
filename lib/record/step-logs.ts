/**
 * Writes the last lines of steps in the commits that record the ends of the steps. The lines and
 * the record therefore agree, and the lines need no extra commit.
 *
 * Promises: no step's text grows beyond TEXT_MAX, even across restarts of the daemon; one text
 * takes at most half of the remaining space, so that later tries have room.
 */
import type { Step } from "../cluster/steps.js";
import { kvsDirectory } from "../flux/jobid.js";
import { INSTANCE } from "../usernetes/names.js";
import { formatTail, TEXT_MAX, type Tail } from "./step-tails.js";

/** The KVS directory beside the record that has one text for each step. */
export const logsKey = (jobid: bigint): string =>
  jobid === INSTANCE ? "usernetes.log" : `${kvsDirectory(jobid)}.usernetes.log`;

export class StepLogs {
  /** The size of each step's text in the KVS, in bytes. */
  private readonly sizes = new Map<Step, number>();
  private readonly unknown = new Set<Step>();

  constructor(
    private readonly jobid: bigint,
    private readonly lookup: (key: string) => Promise<string | undefined>,
  ) {}

  /** Marks steps whose ends an earlier daemon has recorded: it may have written texts, too. */
  takeUp(steps: Iterable<Step>): void {
    for (const step of steps) this.unknown.add(step);
  }

  /** Returns the operations of a commit. The caller calls `written` after the commit. */
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
