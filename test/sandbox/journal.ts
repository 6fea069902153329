/** The readers of the job manager's journal: what waits until they have acted upon what they read. */

/** A reader that takes longer is not waited for. */
const PATIENCE_MS = 5000;

/** Readers are only compared with each other. */
type Reader = object;

/** Each reader, and whether it has handled what it received. */
export class Journal {
  readonly #unseen = new Map<Reader, number>();
  #waiting: (() => void)[] = [];

  sent(reader: Reader): void {
    this.#unseen.set(reader, (this.#unseen.get(reader) ?? 0) + 1);
  }

  seen(reader: Reader): void {
    this.#unseen.set(reader, (this.#unseen.get(reader) ?? 1) - 1);
    this.#look();
  }

  left(reader: Reader): void {
    this.#unseen.delete(reader);
    this.#look();
  }

  get #isSeen(): boolean {
    return [...this.#unseen.values()].every((count) => count === 0);
  }

  /**
   * Acts when all readers have acted upon what they were sent. An idle Flux takes
   * longer over a job than a reader does; here a busy machine must not change that.
   */
  whenSeen(act: () => void): void {
    if (this.#isSeen) {
      act();
      return;
    }
    const once = () => {
      clearTimeout(timer);
      this.#waiting = this.#waiting.filter((other) => other !== once);
      act();
    };
    const timer = setTimeout(once, PATIENCE_MS).unref();
    this.#waiting.push(once);
  }

  #look(): void {
    if (this.#isSeen) for (const act of this.#waiting) act();
  }
}
