/**
 * Tracks which brokers are up: a `flux exec` to a broker that has just died hangs for minutes, and
 * Flux does not report the loss to a job on hold.
 */
import { EventEmitter } from "node:events";
import type { Clock } from "../lib/host/clock.js";

/** Seconds after the start of an instance in which its brokers may come up. */
const START_S = 60;

export class Membership {
  private up: ReadonlySet<number> | undefined;
  private readonly seen = new Set<number>();
  private startsUntil = 0;
  private readonly changes = new EventEmitter().setMaxListeners(0);

  /** Whether the rank's broker is down. All brokers count as up until their state is known. */
  isLost(rank: number): boolean {
    return this.up !== undefined && !this.up.has(rank);
  }

  /** The ranks whose brokers are up; empty until their state is known. */
  all(): number[] {
    return [...(this.up ?? [])];
  }

  set(ranks: number[]): void {
    this.up = new Set(ranks);
    for (const rank of ranks) this.seen.add(rank);
    this.changes.emit("change");
  }

  /** Sets the time when the instance started, in seconds since the epoch. */
  startedAt(at: number, clock: Clock): void {
    this.startsUntil = at + START_S;
    const left = this.startsUntil - clock.now();
    if (left > 0) clock.after(left * 1000, () => this.changes.emit("change"));
  }

  /**
   * Whether one of the ranks is not up yet because the instance has just started. After a crash of
   * Flux, the brokers of a job come back one by one, and do not count as lost.
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
