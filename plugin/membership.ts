/**
 * Watches which brokers are up: a `flux exec` to a broker that has just died hangs for
 * minutes, and Flux does not report the loss to a job on hold.
 */
import { EventEmitter } from "node:events";
import type { Clock } from "../lib/host/clock.js";

/** How long after rank 0 of an instance the other brokers may come up. */
const START_S = 60;

export class Membership {
  private up: ReadonlySet<number> | undefined;
  private readonly seen = new Set<number>();
  private startsUntil = 0;
  private readonly changes = new EventEmitter().setMaxListeners(0);

  /** All brokers count as up until their state is known. */
  isLost(rank: number): boolean {
    return this.up !== undefined && !this.up.has(rank);
  }

  /** Those that are up; none until their state is known. */
  all(): number[] {
    return [...(this.up ?? [])];
  }

  set(ranks: number[]): void {
    this.up = new Set(ranks);
    for (const rank of ranks) this.seen.add(rank);
    this.changes.emit("change");
  }

  /** When the instance started, seconds since the epoch. */
  startedAt(at: number, clock: Clock): void {
    this.startsUntil = at + START_S;
    const left = this.startsUntil - clock.now();
    if (left > 0) clock.after(left * 1000, () => this.changes.emit("change"));
  }

  /**
   * Whether one of them is not up yet because the instance has just started: after a crash
   * of Flux, a job's brokers come back one by one, and do not count as lost.
   */
  mayStillCome(ranks: readonly number[], now: number): boolean {
    return now < this.startsUntil && ranks.some((rank) => !this.seen.has(rank));
  }

  /** Calls back after each change until the returned function is called. */
  onChange(callback: () => void): () => void {
    this.changes.on("change", callback);
    return () => this.changes.off("change", callback);
  }
}
