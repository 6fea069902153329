/**
 * A running Flux instance. This process emulates all of its ranks. Each rank listens on its own
 * socket, so the socket of a call identifies the caller's rank. The socket of a rank exists before
 * anybody gets its path.
 */
import { EventEmitter, once } from "node:events";
import { randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { encodeHostlist } from "../../lib/flux/hostlist.js";
import { encodeIdset } from "../../lib/flux/idset.js";
import { f58 } from "../../lib/flux/jobid.js";
import { Archives } from "./archive.js";
import { Configuration, type ConfigurationSource } from "./configuration.js";
import { LogRing } from "./dmesg.js";
import { now, type Entry } from "./eventlog.js";
import type { Host } from "./host.js";
import { JobManager } from "./job-manager.js";
import { JobRun } from "./job-run.js";
import type { Job } from "./job.js";
import { Journal } from "./journal.js";
import { Kvs } from "./kvs.js";
import type { Broker } from "./parts.js";
import { VERSION } from "./paths.js";
import { Perilogs } from "./perilog.js";
import { launch, type Launcher, type Running } from "./process.js";
import { Resources } from "./resources.js";
import { Router } from "./router.js";

export interface Parent {
  instance: Instance;
  /** The parent's job that runs this instance. */
  job: Job;
  /** The rank in the parent of each rank of this instance. */
  ranks: number[];
}

export interface Listener {
  /**
   * Creates the socket of a rank if it does not exist yet. Sockets are created on demand, since an
   * instance may have thousands of ranks.
   */
  open(rank: number): void;
  close(): Promise<void>;
}

export interface InstanceOptions {
  root: string;
  /** Returns the listener that creates the sockets of the ranks (server.ts). */
  listen: (instance: Instance) => Listener;
  hosts: Host[];
  /** The directory of the sockets; by default a fresh one under /tmp. */
  directory?: string;
  configuration?: ConfigurationSource;
  /** The factor for all delays: 1 is the speed of an idle Flux, 0 is without delays. */
  pace?: number;
  parent?: Parent;
  /** The environment of the brokers' own processes. */
  environment?: Record<string, string>;
  /** Whether job shells have the usernetes plugin. */
  shellPlugin?: boolean;
}

export class Instance implements Broker {
  readonly root: string;
  readonly directory: string;
  readonly size: number;
  readonly pace: number;
  readonly parent: Parent | undefined;
  readonly shellPlugin: boolean;
  readonly environment: Record<string, string>;
  readonly kvs = new Kvs();
  readonly archives = new Archives(this.kvs);
  readonly log = new LogRing();
  readonly resources = new Resources();
  readonly configuration: Configuration;
  /** Emits `change` when a rank is lost or comes back, `resume` when one answers again. */
  readonly membership = new EventEmitter().setMaxListeners(0);
  readonly router = new Router();
  readonly journal = new Journal();
  readonly jobs: JobManager;
  /** Processes of `flux exec` and of prologs and epilogs, by rank. */
  readonly processes = new Map<Running, number>();
  /** The delay of the journal in milliseconds. A test sets it to make a bridge react too late. */
  journalDelayMs = 0;
  /**
   * How long a job's other tasks may run after the first one has ended, unless the job sets the
   * shell option exit-timeout.
   */
  exitTimeoutMs = 30_000;
  /** Starts a command of `flux exec` on a rank. A benchmark may replace it by simulated nodes. */
  launcher: Launcher = launch;
  /** Ranks whose brokers do not answer, like one that has just died. `flux exec` waits for them. */
  readonly stalled = new Set<number>();
  stopped = false;
  /** The last action of `flux shutdown`, which flux start sets. */
  onShutdown: () => void = () => void this.close();
  readonly #hosts: Host[];
  readonly #runs = new Map<Job, JobRun>();
  readonly #perilogs = new Perilogs(this);
  readonly #uuid = randomUUID();
  readonly #starttime = now();
  readonly #listen: InstanceOptions["listen"];
  readonly #listener: Listener;

  private constructor(options: InstanceOptions) {
    this.root = options.root;
    this.directory = options.directory ?? mkdtempSync("/tmp/flux-");
    this.#hosts = options.hosts;
    this.size = options.hosts.length;
    this.pace = options.pace ?? 1;
    this.parent = options.parent;
    this.shellPlugin = options.shellPlugin ?? true;
    this.environment = options.environment ?? {};
    this.configuration = new Configuration(options.root, options.configuration);
    this.jobs = new JobManager(this);
    this.#listen = options.listen;
    this.#listener = options.listen(this);
  }

  static open(options: InstanceOptions): Promise<Instance> {
    const instance = new Instance(options);
    const nodes = encodeHostlist(options.hosts.map((host) => host.name));
    const text = `online: ${nodes} (ranks 0-${instance.size - 1})`;
    instance.log.add("broker", "info", { rank: 0, text });
    return Promise.resolve(instance);
  }

  /** Opens an instance on the job's nodes. Its ranks are numbered from 0. */
  openNested(job: Job, ranks: number[], tables: Record<string, unknown>): Promise<Instance> {
    return Instance.open({
      root: this.root,
      listen: this.#listen,
      hosts: ranks.map((rank) => this.host(rank)),
      pace: this.pace,
      shellPlugin: this.shellPlugin,
      parent: { instance: this, job, ranks },
      configuration: { tables },
      environment: this.environment,
    });
  }

  host(rank: number): Host {
    const host = this.#hosts[rank];
    if (!host) throw new RangeError(`there is no rank ${rank}`);
    return host;
  }

  get hostnames(): string[] {
    return this.#hosts.map((host) => host.name);
  }

  socket(rank: number): string {
    return join(this.directory, `local-${rank}`);
  }

  uri(rank: number): string {
    if (!this.stopped) this.#listener.open(rank);
    return `local://${this.socket(rank)}`;
  }

  get level(): number {
    return this.parent ? this.parent.instance.level + 1 : 0;
  }

  attribute(name: string, rank: number): string | undefined {
    const values: Record<string, string | undefined> = {
      rank: String(rank),
      size: String(this.size),
      hostlist: encodeHostlist(this.hostnames),
      "instance-level": String(this.level),
      jobid: this.parent && f58(this.parent.job.id),
      "local-uri": this.uri(rank),
      "parent-uri": this.parent?.instance.uri(this.parent.ranks[rank] ?? 0),
      "broker.pid": String(process.pid),
      "broker.uuid": this.#uuid,
      "broker.starttime": this.#starttime.toFixed(2),
      "security.owner": String(process.getuid?.() ?? 0),
      rundir: this.directory,
      statedir: this.directory,
      version: VERSION,
    };
    return values[name];
  }

  /** Returns the job's temporary directory, which is created if it does not exist. */
  jobDirectory(job: Job): string {
    const path = join(this.directory, `jobtmp-0-${f58(job.id)}`);
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return path;
  }

  startJob(job: Job): void {
    const run = new JobRun(this, job);
    this.#runs.set(job, run);
    this.jobs.later("start", () => {
      void run.run();
    });
  }

  runOf(job: Job): JobRun | undefined {
    return this.#runs.get(job);
  }

  onJobEvent(job: Job, entry: Entry): void {
    this.#perilogs.onEvent(job, entry);
    this.#runs.get(job)?.onEvent(entry);
    if (entry.name === "clean") this.#runs.delete(job);
    if (entry.name === "start") this.#failOnLostRank(job);
  }

  /** Drains ranks and logs the reason. */
  drain(ranks: number[], reason: string): void {
    this.resources.drain(ranks, reason);
    const nodes = encodeHostlist(ranks.map((rank) => this.host(rank).name));
    const text = `drain idset=${encodeIdset(ranks)} nodelist=${nodes} overwrite=0 reason=${reason}`;
    this.log.add("resource", "info", { rank: 0, text });
  }

  /** Emulates the death of a broker: its processes are killed, and the jobs on its rank fail. */
  loseRank(rank: number): void {
    this.resources.lost.add(rank);
    this.membership.emit("change");
    for (const [running, where] of this.processes) if (where === rank) running.kill("SIGKILL");
    const text = `${this.host(rank).name} (rank ${rank}) transitioning to LOST`;
    this.log.add("overlay", "err", { rank: 0, text });
    for (const job of this.jobs.jobs.values()) if (job.started) this.#failOnLostRank(job);
  }

  restoreRank(rank: number): void {
    this.resources.lost.delete(rank);
    this.membership.emit("change");
    this.jobs.queue.schedule();
  }

  resumeRank(rank: number): void {
    this.stalled.delete(rank);
    this.membership.emit("resume");
  }

  /** Resolves when the broker of the rank answers. */
  async whenAnswering(rank: number): Promise<void> {
    while (this.stalled.has(rank)) await once(this.membership, "resume");
  }

  #failOnLostRank(job: Job): void {
    const lost = [...(job.allocation?.cores.keys() ?? [])].find((rank) =>
      this.resources.lost.has(rank),
    );
    if (lost === undefined || job.state !== "RUN") return;
    const note = `node failure on ${this.host(lost).name}`;
    this.jobs.raise(job.id, { type: "exec", severity: 0, note });
  }

  /** Kills the running processes and removes the instance's own directory. */
  async close(): Promise<void> {
    if (this.stopped) return;
    this.stopped = true;
    for (const run of this.#runs.values()) run.stop();
    for (const running of this.processes.keys()) running.kill("SIGKILL");
    await this.#listener.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
