/**
 * A clock that stands still until a test advances it. Advancing it runs the callbacks that are due,
 * in order.
 */
import type { Clock } from "../../lib/host/clock.js";

export const BEGIN_S = 1_700_000_000;

export class FakeClock implements Clock {
  private ms = BEGIN_S * 1000;
  private timers: { at: number; callback: () => void }[] = [];
  /** The number of callbacks that have been requested so far. */
  asked = 0;

  now(): number {
    return this.ms / 1000;
  }

  after(ms: number, callback: () => void): () => void {
    this.asked++;
    const timer = { at: this.ms + Math.max(0, ms), callback };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  }

  advance(ms: number): void {
    const end = this.ms + ms;
    for (;;) {
      const next = this.next();
      if (!next || next.at > end) break;
      this.fire(next);
    }
    this.ms = end;
  }

  /** Advances to the next timer. Returns false if no timer is set. */
  advanceToNext(): boolean {
    const next = this.next();
    if (next) this.fire(next);
    return next !== undefined;
  }

  private next() {
    return this.timers.toSorted((a, b) => a.at - b.at)[0];
  }

  private fire(timer: { at: number; callback: () => void }): void {
    this.timers = this.timers.filter((other) => other !== timer);
    this.ms = Math.max(this.ms, timer.at);
    timer.callback();
  }
}
