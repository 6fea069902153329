/**
 * Which brokers are up. A `flux exec` to one that has just died hangs for minutes
 * and a held job learns nothing of it from Flux, so this is watched.
 */
import { EventEmitter } from "node:events";

export class Membership {
  private up: ReadonlySet<number> | undefined;
  private readonly changes = new EventEmitter().setMaxListeners(0);

  /** All are taken to be up until it is known better. */
  isLost(rank: number): boolean {
    return this.up !== undefined && !this.up.has(rank);
  }

  /** Those that are up; none as long as nothing is known. */
  all(): number[] {
    return [...(this.up ?? [])];
  }

  set(ranks: number[]): void {
    this.up = new Set(ranks);
    this.changes.emit("change");
  }

  /** Calls back after each change until the returned function is called. */
  onChange(callback: () => void): () => void {
    this.changes.on("change", callback);
    return () => this.changes.off("change", callback);
  }
}
