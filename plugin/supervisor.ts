/**
 * All clusters of the instance: one reconciler and one follow for each job that
 * asks, from the moment that it has its nodes, is over, or is to be refused: a
 * job that waits in the queue costs an entry in a map. Nothing is acted upon
 * before the journal's sentinel: only then is it known which jobs are active,
 * and so which open clusters have lost theirs.
 */
import { newCluster, type Cluster } from "../lib/cluster/state.js";
import { parseRequest, type Parsed } from "../lib/cluster/request.js";
import { messageOf } from "../lib/errors.js";
import { f58 } from "../lib/flux/jobid.js";
import { OPEN_CLUSTERS, parseOpenCluster, type OpenCluster } from "../lib/record/writer.js";
import type { Bridge, ReportedJob } from "./bridge.js";
import { Follow } from "./follow.js";
import { Reconciler } from "./reconcile.js";
import type { World } from "./world.js";

const AGAIN_MS = 1_000;

interface Waiting {
  job: ReportedJob;
  asked: Parsed;
  due: boolean;
}

interface Member {
  reconciler: Reconciler;
  follow: Follow | undefined;
}

export class Supervisor {
  private readonly members = new Map<bigint, Member>();
  /** Reported, and nothing is done for them yet. */
  private readonly waiting = new Map<bigint, Waiting>();
  private caughtUp = false;
  private left = false;

  constructor(
    private readonly makeWorld: () => World,
    private readonly bridge: Bridge,
    private readonly env: Record<string, string>,
  ) {}

  /** Jobs for which something is done. */
  get size(): number {
    return this.members.size;
  }

  /** Those, and the jobs that wait for nodes. */
  get known(): number {
    return this.members.size + this.waiting.size;
  }

  /** A bridge begins: it reports all active jobs, so one that is not has ended. */
  onReady(): void {
    this.waiting.clear();
  }

  onJob(job: ReportedJob): void {
    if (this.members.has(job.id)) return;
    const asked = parseRequest(job.user);
    if ("asks" in asked && !asked.asks) return;
    this.waiting.set(job.id, { job, asked, due: false });
    // Its user learns at once why it will not run.
    if ("refused" in asked) this.onDue(job.id);
  }

  /** It has its nodes, or is over. What its eventlog said before is read at one stroke. */
  onDue(id: bigint): void {
    const waiting = this.waiting.get(id);
    if (!waiting) return;
    waiting.due = true;
    if (!this.caughtUp) return;
    this.waiting.delete(id);
    if (!this.members.has(id)) void this.take(waiting);
  }

  /** Refused by ingest after its submit event: it will have no more events. */
  onGone(id: bigint): void {
    this.waiting.delete(id);
    this.members.get(id)?.reconciler.leave();
    this.drop(id);
  }

  /** All active jobs are known. */
  async onSentinel(): Promise<void> {
    if (this.caughtUp) return;
    const entries = await this.readEntries();
    const active = new Set(this.waiting.keys());
    const { open } = this.makeWorld();
    for (const entry of entries) open.add(entry);
    this.caughtUp = true;
    for (const [id, { due }] of this.waiting) if (due) this.onDue(id);
    for (const entry of entries) if (!active.has(BigInt(entry.jobid))) await this.takeEnded(entry);
  }

  /** Brokers came or went: what was left on those that are back is cleaned. */
  onOnline(): void {
    if (!this.caughtUp) return;
    const { open } = this.makeWorld();
    for (const entry of open.all())
      if (!this.members.has(BigInt(entry.jobid)) && this.reachable(entry).length > 0)
        void this.takeEnded(entry);
  }

  /** The ranks that a teardown left, and that are up. */
  private reachable(entry: OpenCluster): number[] {
    const { nodes } = this.makeWorld();
    return (entry.left ?? []).filter((rank) => !nodes.isLost(rank));
  }

  /** The daemon leaves: clusters stay as they are. */
  leave(): void {
    this.left = true;
    for (const { reconciler, follow } of this.members.values()) {
      follow?.stop();
      reconciler.leave();
    }
  }

  private async readEntries(): Promise<OpenCluster[]> {
    const entries: OpenCluster[] = [];
    for (const name of await this.bridge.list(OPEN_CLUSTERS)) {
      const key = `${OPEN_CLUSTERS}.${name}`;
      const text = await this.bridge.lookup(key);
      const entry = text === undefined ? undefined : parseOpenCluster(text);
      if (entry?.jobid === name) entries.push(entry);
      // One that is broken must not keep the others; it is not ours to delete.
      else if (text !== undefined)
        this.makeWorld().say(
          "error",
          `${key} is not understood and left alone: flux kvs unlink it`,
        );
    }
    return entries;
  }

  private async take(waiting: Waiting): Promise<void> {
    const { job, asked } = waiting;
    const cluster = newCluster({
      jobid: job.id,
      userid: job.userid,
      asked,
      duration: job.duration,
    });
    const member = this.add(cluster);
    const known = await this.load(member.reconciler, () => this.take(waiting));
    if (known === undefined) return;
    member.follow = new Follow(job.id, {
      env: this.env,
      known,
      onEvent: (event) => {
        member.reconciler.onJobEvent(event);
      },
      onRestart: (why) => {
        member.reconciler.say("warn", `eventlog: ${why}; following it again`);
      },
    });
    member.follow.start();
    member.reconciler.kick();
  }

  /**
   * A cluster whose job ended while no daemon ran, or that could not be cleaned
   * everywhere: it is only taken down.
   */
  private async takeEnded(entry: OpenCluster): Promise<void> {
    const { claim } = entry;
    const cluster = newCluster({
      jobid: BigInt(entry.jobid),
      userid: claim.userid,
      asked: parseRequest({ usernetes: "yes" }),
      duration: 0,
    });
    const { reconciler } = this.add(cluster);
    if ((await this.load(reconciler, () => this.takeEnded(entry))) === undefined) return;
    cluster.claim ??= claim;
    cluster.job.clean = true;
    if (cluster.down) reconciler.reopen(this.reachable(entry));
    reconciler.kick();
  }

  private add(cluster: Cluster): Member {
    const { jobid } = cluster;
    const reconciler = new Reconciler(cluster, this.makeWorld(), () => {
      this.drop(jobid);
    });
    const member: Member = { reconciler, follow: undefined };
    this.members.set(jobid, member);
    return member;
  }

  /** Undefined if it could not be read now: then it is taken `again`, soon. */
  private async load(
    reconciler: Reconciler,
    again: () => Promise<void>,
  ): Promise<number | undefined> {
    try {
      return await reconciler.load();
    } catch (error) {
      reconciler.say("warn", `its record could not be read, again soon: ${messageOf(error)}`);
      this.drop(reconciler.cluster.jobid);
      this.makeWorld().clock.after(AGAIN_MS, () => {
        if (!this.left && !this.members.has(reconciler.cluster.jobid)) void again();
      });
      return undefined;
    }
  }

  private drop(id: bigint): void {
    this.members.get(id)?.follow?.stop();
    if (this.members.delete(id)) this.makeWorld().say("debug", `${f58(id)}: forgotten`);
  }
}
