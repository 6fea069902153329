/**
 * The queue of jobs that wait for resources: highest urgency first, then oldest. A job of urgency 0
 * is held. Drained and lost ranks are not allocated.
 */
import { kvsDirectory } from "../../lib/flux/jobid.js";
import { now } from "./eventlog.js";
import type { Job } from "./job.js";
import { requestOf } from "./jobspec.js";
import type { Broker } from "./parts.js";
import { pythonJson } from "./python-json.js";
import {
  CORES,
  fit,
  resourceSet,
  resourceSummary,
  type Allocation,
  type Pool,
} from "./scheduler.js";

export class JobQueue {
  /** True when no further job may get resources. */
  stopped = false;
  readonly #waiting = new Set<Job>();
  #scheduled = false;

  constructor(readonly instance: Broker) {}

  add(job: Job): void {
    job.queued = true;
    this.#waiting.add(job);
    this.schedule();
  }

  remove(job: Job): void {
    job.queued = false;
    this.#waiting.delete(job);
  }

  /** Schedules an allocation for the waiting jobs that fit. */
  schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.instance.jobs.later("alloc", () => {
      this.#scheduled = false;
      this.#pass();
    });
  }

  pool(): Pool {
    const { instance } = this;
    const free = new Map<number, number[]>();
    for (let rank = 0; rank < instance.size; rank++) {
      if (instance.resources.unusable(rank)) continue;
      free.set(
        rank,
        Array.from({ length: CORES }, (_, core) => core),
      );
    }
    for (const job of instance.jobs.jobs.values()) {
      if (!job.hasResources) continue;
      for (const [rank, cores] of job.allocation?.cores ?? [])
        free.set(rank, free.get(rank)?.filter((core) => !cores.includes(core)) ?? []);
    }
    return { free, size: instance.size };
  }

  #pass(): void {
    const order = [...this.#waiting].sort(
      (a, b) => b.priority - a.priority || (a.id < b.id ? -1 : 1),
    );
    for (const job of order) {
      if (this.stopped) return;
      if (job.urgency === 0 || !this.#waiting.has(job)) continue;
      const found = fit(requestOf(job.jobspec), this.pool());
      if (found === "wait") return;
      this.remove(job);
      if ("never" in found)
        this.instance.jobs.raise(job.id, { type: "alloc", severity: 0, note: found.never });
      else this.#allocate(job, found.allocation);
    }
  }

  #allocate(job: Job, allocation: Allocation): void {
    const { instance } = this;
    const starttime = now();
    const { duration } = job.jobspec.attributes.system;
    job.allocation = allocation;
    job.expiration = duration > 0 ? starttime + duration : 0;
    const names = [...allocation.cores.keys()].map((rank) => instance.host(rank).name);
    const R = resourceSet(allocation, names, { starttime, expiration: job.expiration });
    instance.kvs.put(`${kvsDirectory(job.id)}.R`, pythonJson(R));
    instance.jobs.post(job, "alloc", {
      annotations: { sched: { resource_summary: resourceSummary(allocation) } },
    });
  }
}
