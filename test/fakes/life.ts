/**
 * Runs one cluster's life without Flux and without nodes: a real Reconciler acts on a World of
 * fakes. Time advances only when nothing else can happen.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { parseRequest } from "../../lib/cluster/request.js";
import { newCluster, stepState, type Cluster } from "../../lib/cluster/state.js";
import { checkConfig } from "../../lib/config/check.js";
import { encodeIdset } from "../../lib/flux/idset.js";
import { kvsDirectory } from "../../lib/flux/jobid.js";
import type { RecordEvent } from "../../lib/record/events.js";
import { newSite } from "../../lib/record/setting.js";
import type { OpenCluster } from "../../lib/record/writer.js";
import { project, workdir } from "../../lib/usernetes/names.js";
import { Membership } from "../../plugin/membership.js";
import type { Meter } from "../../plugin/metrics/metrics.js";
import { OpenClusters } from "../../plugin/open-clusters.js";
import { Reconciler } from "../../plugin/reconcile.js";
import type { World } from "../../plugin/world.js";
import { FakeClock } from "./fake-clock.js";
import { FakeJob } from "./fake-job.js";
import { MemoryFlux } from "./memory-flux.js";
import { PlayingRun } from "./playing-run.js";

/** The job ID ƒ2QT1HSJy5, which the documentation uses in its examples. */
export const JOBID = 179836689580032n;
export const OWNER = 500;

export interface LifeOptions {
  user?: Record<string, unknown>;
  userid?: number;
  duration?: number;
  ranks?: number[];
  hosts?: string[];
  config?: Record<string, unknown>;
  jobid?: bigint;
  /** Clusters that are already open. */
  open?: OpenCluster[];
  meter?: Meter;
  /** Networks that the ranks have or have a route to. */
  networks?: Record<number, string[]>;
}

export class Life {
  readonly clock = new FakeClock();
  readonly job = new FakeJob(this.clock);
  readonly nodes = new PlayingRun(this.clock);
  readonly flux: MemoryFlux;
  readonly printed: string[] = [];
  readonly jobid: bigint;
  world: World;
  reconciler: Reconciler;
  done = false;
  private readonly options: LifeOptions;

  constructor(options: LifeOptions = {}) {
    this.options = options;
    this.jobid = options.jobid ?? JOBID;
    this.flux = new MemoryFlux(this.jobid, this.job);
    this.nodes.onArchive = (name, text) => this.flux.kvs.set(`archive.${name}`, text);
    const ranks = options.ranks ?? [0, 1, 2];
    const hosts = options.hosts ?? ranks.map((rank) => `node${rank}`);
    this.flux.kvs.set(
      `${kvsDirectory(this.jobid)}.R`,
      JSON.stringify({
        version: 1,
        execution: { R_lite: [{ rank: encodeIdset(ranks) }], nodelist: hosts },
      }),
    );
    const config = checkConfig({ template: "/opt/usernetes", ...options.config }, "test");
    this.world = {
      flux: this.flux,
      run: this.nodes.run,
      clock: this.clock,
      say: (level, text) => this.printed.push(`${level}: ${text}`),
      config,
      site: newSite(config, {
        base: { PATH: "/usr/bin" },
        // Each life has its own directory, because a published join-command is a real file.
        instance: randomUUID(),
      }),
      owner: OWNER,
      names: (jobid) => ({ workdir: workdir(config.workdir, jobid), project: project(jobid) }),
      open: this.openClusters(),
      nodes: new Membership(),
      networks: {
        networksOf: () =>
          Promise.resolve(
            new Map(Object.entries(options.networks ?? {}).map(([rank, of]) => [Number(rank), of])),
          ),
      },
      ...(options.meter ? { meter: options.meter } : {}),
    };
    this.reconciler = this.newReconciler();
  }

  get cluster(): Cluster {
    return this.reconciler.cluster;
  }

  /** Submits the job. The daemon then follows the job's events. */
  async begin(): Promise<this> {
    this.job.submit();
    await this.take();
    return this;
  }

  /** Begins the life and gives the job its nodes. */
  async alloc(): Promise<this> {
    await this.begin();
    this.job.alloc();
    return this;
  }

  /** Restarts the daemon as after kill -9. The daemon loses only what it had in memory. */
  async restart(): Promise<void> {
    this.reconciler.leave();
    await this.quiet();
    this.world.open = this.openClusters();
    this.reconciler = this.newReconciler();
    await this.take();
  }

  /** Lets time pass until the condition is met. Throws if it can no longer be met. */
  async until(done: () => boolean): Promise<void> {
    for (let round = 0; round < 2000; round++) {
      await this.quiet();
      if (done()) return;
      if (!this.clock.advanceToNext()) break;
    }
    throw new Error(`${done.toString()} was not reached; logged:\n${this.printed.join("\n")}`);
  }

  untilClean(): Promise<void> {
    return this.until(() => this.done);
  }

  untilStarted(): Promise<void> {
    return this.until(() => this.job.has("start"));
  }

  /** Waits until nothing more happens unless time passes. */
  async quiet(): Promise<void> {
    for (let idle = 0; idle < 6;) {
      const before = this.activity();
      await new Promise((resolve) => setImmediate(resolve));
      idle = this.activity() === before ? idle + 1 : 0;
      if (!this.publishing()) continue;
      // Publishing the archive writes a real file, which takes real time.
      await sleep(1);
      idle = 0;
    }
  }

  get record(): string[] {
    return this.flux.record.map(describeEvent);
  }

  /** The names of the existing archives. */
  get archives(): string[] {
    return [...this.flux.kvs.keys()].filter((key) => key.startsWith("archive."));
  }

  private activity(): number {
    const { nodes, flux, clock, job, printed: logged } = this;
    return (
      nodes.activity + flux.requests.length + clock.asked + job.eventlog.length + logged.length
    );
  }

  private publishing(): boolean {
    const { cluster, leaving } = this.reconciler;
    if (leaving.signal.aborted) return false;
    return stepState(cluster, "publish-join", cluster.claim?.lead ?? 0)?.status === "running";
  }

  private openClusters(): OpenClusters {
    const open = new OpenClusters();
    for (const entry of this.options.open ?? []) open.add(entry);
    for (const [key, value] of this.flux.kvs)
      if (key.startsWith("usernetes.cluster.")) open.add(JSON.parse(value) as OpenCluster);
    return open;
  }

  newReconciler(): Reconciler {
    const cluster = newCluster({
      jobid: this.jobid,
      userid: this.options.userid ?? OWNER,
      asked: parseRequest(this.options.user ?? { usernetes: "yes" }),
      duration: this.options.duration ?? 0,
    });
    return new Reconciler(cluster, this.world, () => {
      this.done = true;
    });
  }

  private async take(): Promise<void> {
    const { reconciler } = this;
    const key = `${kvsDirectory(this.jobid)}.eventlog`;
    this.flux.kvs.set(key, this.job.eventlog.map((event) => `${JSON.stringify(event)}\n`).join(""));
    const known = await reconciler.load();
    this.job.follow(known, (event) => {
      reconciler.onJobEvent(event);
    });
    reconciler.kick();
    await this.quiet();
  }
}

/** Describes a record event in one line. */
export function describeEvent(event: RecordEvent): string {
  switch (event.name) {
    case "claim":
      return `claim ${event.context.ranks}`;
    case "step-start":
      return `start ${event.context.step} on ${event.context.ranks} (${event.context.attempt})`;
    case "step-progress":
      return `${event.context.step} waits for ${event.context.note}`;
    case "step-finish":
      return `${event.context.status} ${event.context.step} on ${event.context.ranks} (${event.context.attempt})`;
    case "settle":
      return `settle ${event.context.outcome}${event.context.note ? `: ${event.context.note}` : ""}`;
    case "teardown-start":
      return `teardown: ${event.context.reason}`;
    case "down":
      return `down, left [${event.context.left.join()}]`;
  }
}
