/**
 * What is done again after it failed: at once costs a processor where it fails each time,
 * and seldom is late where it passes. So each pause is twice the last, up to a limit, and
 * a success makes the next one short again.
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

  /** Calls back after the next pause, which is returned, in ms. */
  again(callback: () => void): number {
    const pauseMs = this.nextMs;
    this.nextMs = Math.min(pauseMs * 2, this.pauses.maxMs);
    this.cancelTimer = this.clock.after(pauseMs, callback);
    return pauseMs;
  }

  /** It has worked. */
  reset(): void {
    this.nextMs = this.pauses.firstMs;
  }

  /** Does not call back any more. */
  cancel(): void {
    this.cancelTimer?.();
  }
}

export interface Retry {
  clock: Pick<Clock, "after">;
  pauses: Pauses;
  /** Whether it is still to be done: asked before each try. */
  isWanted: () => boolean;
  onError: (why: string, pauseMs: number) => void;
}

/** Acts until that works; undefined where it is not wanted any more. */
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
