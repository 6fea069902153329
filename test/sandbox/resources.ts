/** The ranks that are drained or lost. */
import { now } from "./eventlog.js";

export interface Drain {
  timestamp: number;
  reason: string;
}

export class Resources {
  readonly drained = new Map<number, Drain>();
  readonly lost = new Set<number>();

  unusable(rank: number): boolean {
    return this.drained.has(rank) || this.lost.has(rank);
  }

  drain(ranks: number[], reason: string): void {
    for (const rank of ranks) this.drained.set(rank, { timestamp: now(), reason });
  }
}
