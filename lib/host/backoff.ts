/**
 * Repeats an action after failures. Immediate retries would keep a processor busy as long as the
 * action fails, and rare ones would be late when it works again. Therefore each pause is twice as
 * long as the previous one, up to a limit, and a success makes the next pause short again.
 */
import { messageOf } from "../errors.js";
import type { Clock } from "./clock.js";

export interface Pauses {
  firstMs: number;
  maxMs: number;
}

export class Backoff {
  private nextMs: number;
  private cancelTimer: (() => void) | undefined;

  constructor(
    private readonly clock: Pick<Clock, "after">,
    private readonly pauses: Pauses,
  ) {
    this.nextMs = pauses.firstMs;
  }

  /** Calls back after the next pause. Returns the pause in milliseconds. */
  again(callback: () => void): number {
    const pauseMs = this.nextMs;
    this.nextMs = Math.min(pauseMs * 2, this.pauses.maxMs);
    this.cancelTimer = this.clock.after(pauseMs, callback);
    return pauseMs;
  }

  /** Makes the next pause short again, after a success. */
  reset(): void {
    this.nextMs = this.pauses.firstMs;
  }

  /** Cancels the pending callback. */
  cancel(): void {
    this.cancelTimer?.();
  }
}

export interface Retry {
  clock: Pick<Clock, "after">;
  pauses: Pauses;
  /** Returns whether to try. Called before each try. */
  isWanted: () => boolean;
  onError: (why: string, pauseMs: number) => void;
}

/** Calls `act` until it succeeds. Returns undefined if `isWanted` returns false. */
export async function retry<T>(act: () => Promise<T>, how: Retry): Promise<T | undefined> {
  const backoff = new Backoff(how.clock, how.pauses);
  while (how.isWanted())
    try {
      return await act();
    } catch (error) {
      await new Promise<void>((resolve) => {
        how.onError(messageOf(error), backoff.again(resolve));
      });
    }
  return undefined;
}
