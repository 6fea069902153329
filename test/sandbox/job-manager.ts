/**
 * The job manager: the jobs of an instance, their events and the resulting actions. An event is
 * written to the job's eventlog in the KVS, folded into the job's state, and sent to the journal
 * and to followers. Then the next actions are run.
 */
import { EventEmitter } from "node:events";
import { kvsDirectory } from "../../lib/flux/jobid.js";
import { encodeEntry, now, type Entry } from "./eventlog.js";
import { FluxError } from "./flux-error.js";
import { OWNER } from "./guests.js";
import { JobOutput } from "./job-output.js";
import { JobQueue } from "./job-queue.js";
import { updateJob } from "./job-update.js";
import { foldEvent, nextActions, type Action, type Job } from "./job.js";
import type { Jobspec } from "./jobspec.js";
import { DELAYS, type Broker, type JobException, type Jobs } from "./parts.js";
import { pythonJson } from "./python-json.js";

export interface Submission {
  jobspec: Jobspec;
  env: Record<string, string>;
  urgency: number;
  rank: number;
  userid: number;
}

export class JobManager implements Jobs {
  readonly jobs = new Map<bigint, Job>();
  readonly queue: JobQueue;
  /** The ID of the next job. A test may set it, to get the same ID in two instances. */
  nextId: bigint | undefined;
  readonly #events = new EventEmitter().setMaxListeners(0);
  readonly #started = performance.now();
  readonly #posted: { job: Job; entry: Entry }[] = [];
  #last = 0n;
  #draining = false;

  constructor(readonly instance: Broker) {
    this.queue = new JobQueue(this.instance);
  }

  /** Runs `act` after a delay, unless the instance has ended by then. */
  later(delay: keyof typeof DELAYS, act: () => void): void {
    setTimeout(() => {
      if (!this.instance.stopped) act();
    }, DELAYS[delay] * this.instance.pace).unref();
  }

  #newId(rank: number): bigint {
    if (this.nextId !== undefined) {
      const given = this.nextId;
      this.nextId = undefined;
      return given;
    }
    const ms = BigInt(Math.floor(performance.now() - this.#started) + 1);
    const id = (ms << 24n) | (BigInt(rank) << 10n);
    this.#last = id > this.#last ? id : this.#last + 1n;
    return this.#last;
  }

  submit({ jobspec, env, urgency, rank, userid }: Submission): Job {
    const job: Job = {
      id: this.#newId(rank),
      userid,
      urgency,
      jobspec,
      env,
      state: "NEW",
      entries: [],
      output: new JobOutput(),
      priority: 0,
      expiration: 0,
      perilogs: 0,
      journaled: false,
      dependPosted: false,
      priorityPosted: false,
      queued: false,
      hasResources: false,
      startPending: false,
      started: false,
      freePosted: false,
      cleanPosted: false,
      annotations: {},
      times: {},
    };
    this.jobs.set(job.id, job);
    this.instance.kvs.put(`${kvsDirectory(job.id)}.jobspec`, pythonJson(jobspec));
    this.post(job, "submit", { userid: job.userid, urgency, flags: 0, version: 1 });
    this.later("validate", () => {
      this.post(job, "validate");
    });
    return job;
  }

  /** Returns the job, even if it is inactive. Throws ENOENT if it does not exist. */
  find(id: bigint): Job {
    const job = this.jobs.get(id);
    if (!job) throw new FluxError("ENOENT", "unknown job id");
    return job;
  }

  active(id: bigint): Job {
    const job = this.find(id);
    if (job.state === "INACTIVE") throw new FluxError("ENOENT", "job is inactive");
    return job;
  }

  /** Posts an event. An event that is posted during the handling of another is handled after it. */
  post(job: Job, name: string, context?: Record<string, unknown>): void {
    this.#posted.push({ job, entry: { timestamp: now(), name, ...(context && { context }) } });
    if (this.#draining) return;
    this.#draining = true;
    try {
      for (let next = this.#posted.shift(); next; next = this.#posted.shift()) {
        const { job: subject, entry } = next;
        foldEvent(subject, entry);
        subject.entries.push(entry);
        this.instance.kvs.append(`${kvsDirectory(subject.id)}.eventlog`, encodeEntry(entry));
        this.#notify(subject, entry);
        this.instance.onJobEvent(subject, entry);
        // A prolog-start that the alloc event has caused is counted before the job may start.
        if (this.#posted.some((other) => other.job === subject)) continue;
        for (const action of nextActions(subject)) this.#act(subject, action);
      }
    } finally {
      this.#draining = false;
    }
  }

  /** Sends an event to the journal. As in Flux, a submit event is sent with the next event. */
  #notify(job: Job, entry: Entry): void {
    if (entry.name === "submit") return;
    const [submit] = job.entries;
    if (!job.journaled && submit) this.#events.emit("event", job, submit);
    job.journaled = true;
    this.#events.emit("event", job, entry);
  }

  onEvent(listener: (job: Job, entry: Entry) => void): () => void {
    this.#events.on("event", listener);
    return () => this.#events.off("event", listener);
  }

  #act(job: Job, action: Action): void {
    switch (action) {
      case "depend":
        job.dependPosted = true;
        this.later("depend", () => {
          if (job.state === "DEPEND") this.post(job, "depend");
        });
        break;
      case "prioritize":
        job.priorityPosted = true;
        this.post(job, "priority", { priority: job.urgency });
        break;
      case "enqueue":
        this.instance.journal.whenSeen(() => {
          if (nextActions(job).includes("enqueue")) this.queue.add(job);
        });
        break;
      case "dequeue":
        this.queue.remove(job);
        break;
      case "start":
        job.startPending = true;
        this.instance.startJob(job);
        break;
      case "free":
        this.instance.journal.whenSeen(() => {
          if (nextActions(job).includes("free")) this.#free(job);
        });
        break;
      case "clean":
        job.cleanPosted = true;
        job.output.close();
        this.post(job, "clean");
        break;
    }
  }

  #free(job: Job): void {
    job.freePosted = true;
    this.post(job, "free");
    this.queue.schedule();
  }

  raise(id: bigint, exception: JobException): void {
    const { type, severity, note, userid = OWNER } = exception;
    const job = this.active(id);
    this.post(job, "exception", { type, severity, note, userid });
  }

  memo(id: bigint, memo: Record<string, unknown>): void {
    this.post(this.active(id), "memo", memo);
  }

  update(id: bigint, updates: Record<string, unknown>): void {
    updateJob(this.instance, id, updates);
  }

  /** Resolves when the job has an event of that name, or when the job is inactive. */
  until(job: Job, name: string): Promise<void> {
    return new Promise((resolve) => {
      if (job.entries.some((entry) => entry.name === name) || job.state === "INACTIVE") {
        resolve();
        return;
      }
      const off = this.onEvent((subject, entry) => {
        if (subject !== job || (entry.name !== name && entry.name !== "clean")) return;
        off();
        resolve();
      });
    });
  }

  /** Resolves when no job meets the condition. */
  untilNone(still: (job: Job) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if ([...this.jobs.values()].some(still)) return;
        off();
        resolve();
      };
      const off = this.onEvent(look);
      look();
    });
  }
}
