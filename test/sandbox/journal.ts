/** The readers of the job manager's journal, and the actions that wait for these readers. */

/** The maximum time to wait for a reader. */
const PATIENCE_MS = 5000;

/** Readers are only compared with each other. */
type Reader = object;

/** Counts the messages that each reader has not handled yet. */
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
   * Calls `act` when all readers have handled the messages sent to them. On an idle Flux, readers
   * always handle an event before the job proceeds. Waiting here ensures the same on a busy
   * machine.
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
