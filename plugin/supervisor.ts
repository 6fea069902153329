/**
 * Manages all clusters of the instance. Each job that asks for a cluster has one reconciler and one
 * follow, from the moment when it has its nodes, is over, or will be refused. A job that waits in
 * the queue is only an entry in a map. No action is taken before the journal's sentinel: only then
 * does the daemon know which jobs are active, and which open clusters have lost their job.
 */
import { hostOf, newCluster, stepState, type Cluster } from "../lib/cluster/state.js";
import { parseRequest, type Parsed } from "../lib/cluster/request.js";
import { retry } from "../lib/host/backoff.js";
import { encodeIdset } from "../lib/flux/idset.js";
import { f58 } from "../lib/flux/jobid.js";
import type { OpenCluster } from "../lib/record/writer.js";
import { stateOf, type State } from "../lib/view/summary.js";
import type { ReportedJob } from "./bridge-messages.js";
import type { Bridge } from "./bridge.js";
import { Follow } from "./follow.js";
import { Leftovers, type Jobs } from "./leftovers.js";
import { type Cleaned } from "./foreign-workdirs.js";
import { readEventlog } from "./release-hold.js";
import { Reconciler } from "./reconcile.js";
import type { World } from "./world.js";

const PAUSES = { firstMs: 1_000, maxMs: 10_000 };

interface Waiting {
  job: ReportedJob;
  asked: Parsed;
  due: boolean;
}

interface Member {
  reconciler: Reconciler;
  follow?: Follow;
  /** Set if the job has ended, so that the cluster is only torn down. Resolves with the result. */
  ended?: Promise<Cleaned>;
}

export class Supervisor implements Jobs {
  readonly leftovers: Leftovers;
  private readonly members = new Map<bigint, Member>();
  /** Reported jobs that need no action yet. */
  private readonly waiting = new Map<bigint, Waiting>();
  private caughtUp = false;
  private left = false;

  constructor(
    private readonly makeWorld: () => World,
    bridge: Pick<Bridge, "list" | "lookup">,
    private readonly env: Record<string, string>,
  ) {
    this.leftovers = new Leftovers(makeWorld, bridge, this);
  }

  /** Number of jobs with a reconciler. */
  get size(): number {
    return this.members.size;
  }

  /** Number of jobs with a reconciler, and of jobs that wait for nodes. */
  get known(): number {
    return this.members.size + this.waiting.size;
  }

  /** The states of the clusters that are not down, and of jobs that wait for their nodes. */
  states(): State[] {
    const clusters = [...this.members.values()].map(({ reconciler }) => reconciler.cluster);
    const existing = clusters.filter(({ down }) => !down).map(stateOf);
    return [...existing, ...[...this.waiting].map((): State => "waiting")];
  }

  /**
   * Handles the start of a bridge. The bridge reports all active jobs, so a job that it does not
   * report has ended.
   */
  onReady(): void {
    this.waiting.clear();
  }

  onJob(job: ReportedJob): void {
    if (this.members.has(job.id)) return;
    const asked = parseRequest(job.user);
    if ("asks" in asked && !asked.asks) return;
    this.waiting.set(job.id, { job, asked, due: false });
    // The user gets the reason immediately.
    if ("refused" in asked) this.onDue(job.id);
  }

  /** Handles a job that has its nodes or has ended. Its whole eventlog is read at once. */
  onDue(id: bigint): void {
    const waiting = this.waiting.get(id);
    if (!waiting) return;
    waiting.due = true;
    if (!this.caughtUp) return;
    this.waiting.delete(id);
    if (!this.members.has(id)) void this.take(waiting);
  }

  /**
   * Forgets a job that was refused by ingest after its submit event, and that will have no more
   * events.
   */
  onGone(id: bigint): void {
    this.waiting.delete(id);
    this.members.get(id)?.reconciler.leave();
    this.drop(id);
  }

  /**
   * Notes that a job is inactive. The bridge reports this before it reports the job that gets the
   * nodes, while the follow may be late.
   */
  onInactive(id: bigint): void {
    this.makeWorld().open.setReleased(id);
  }

  /** Handles the journal's sentinel: all active jobs are now known. */
  async onSentinel(): Promise<void> {
    if (this.caughtUp) return;
    await this.leftovers.readEntries();
    const { open } = this.makeWorld();
    for (const { jobid } of open.ofJobs())
      if (!this.isActive(BigInt(jobid))) open.setReleased(BigInt(jobid));
    this.caughtUp = true;
    for (const [id, { due }] of this.waiting) if (due) this.onDue(id);
    void this.leftovers.takeAll();
  }

  /** Cleans leftovers on brokers that are back, after brokers came or went. */
  onOnline(): void {
    if (this.caughtUp) void this.leftovers.takeAll();
  }

  /** Stops all reconcilers, because the daemon leaves. Clusters stay as they are. */
  leave(): void {
    this.left = true;
    for (const { reconciler, follow } of this.members.values()) {
      follow?.stop();
      reconciler.leave();
    }
  }

  private async take(waiting: Waiting): Promise<void> {
    const { job, asked } = waiting;
    const cluster = newCluster({
      jobid: job.id,
      userid: job.userid,
      asked,
      duration: job.duration,
    });
    const member: Member = { reconciler: this.reconcilerOf(cluster) };
    this.members.set(job.id, member);
    const known = await this.load(member.reconciler);
    // The job may have ended meanwhile.
    if (known === undefined || this.left || this.members.get(job.id) !== member) return;
    member.follow = new Follow(job.id, {
      env: this.env,
      known,
      onEvent: (event) => {
        member.reconciler.onJobEvent(event);
      },
      onRestart: (why) => {
        member.reconciler.say("warn", `eventlog: ${why}; restarting the follow`);
      },
    });
    member.reconciler.kick();
    const { flux } = this.makeWorld();
    await member.follow.startLater(
      async () => (await readEventlog(job.id, flux)).lines,
      // The bridge has reported that the job has its nodes or is over, so its `alloc` or `clean`
      // event must follow.
      () => cluster.job.allocAt === undefined && !cluster.job.clean,
    );
  }

  isActive(jobid: bigint): boolean {
    const member = this.members.get(jobid);
    return this.waiting.has(jobid) || (member !== undefined && member.ended === undefined);
  }

  userOf(jobid: bigint): number | undefined {
    if (!this.isActive(jobid)) return undefined;
    return (
      this.waiting.get(jobid)?.job.userid ?? this.members.get(jobid)?.reconciler.cluster.userid
    );
  }

  takeDown(entry: OpenCluster): Promise<Cleaned> {
    const jobid = BigInt(entry.jobid);
    const { claim } = entry;
    const known = this.members.get(jobid)?.ended;
    if (known) return known;
    const cluster = newCluster({
      jobid,
      userid: claim.userid,
      asked: parseRequest({ usernetes: "yes" }),
      duration: 0,
    });
    const ended = new Promise<Cleaned>((resolve) => {
      const reconciler = this.reconcilerOf(cluster, () => {
        resolve(cleaned(cluster));
      });
      this.members.set(jobid, { reconciler });
      void this.takeEnded(reconciler, entry);
    });
    const member = this.members.get(jobid);
    if (member) member.ended = ended;
    return ended;
  }

  private async takeEnded(reconciler: Reconciler, entry: OpenCluster): Promise<void> {
    const { cluster } = reconciler;
    const { claim, left, setting } = entry;
    reconciler.foundSetting = setting;
    if ((await this.load(reconciler)) === undefined) return;
    cluster.claim ??= claim;
    cluster.job.clean = true;
    if (cluster.down) reconciler.reopen(left ?? []);
    reconciler.kick();
  }

  private reconcilerOf(cluster: Cluster, onDone: () => void = () => undefined): Reconciler {
    return new Reconciler(cluster, this.makeWorld(), () => {
      this.drop(cluster.jobid);
      onDone();
    });
  }

  /**
   * Reads the history of a cluster. Returns the number of lines of its job's eventlog, or undefined
   * if the cluster was dropped before they could be read.
   */
  private async load(reconciler: Reconciler): Promise<number | undefined> {
    const { clock } = this.makeWorld();
    const { jobid } = reconciler.cluster;
    return retry(() => reconciler.load(), {
      ...{ clock, pauses: PAUSES },
      isWanted: () => !this.left && this.members.get(jobid)?.reconciler === reconciler,
      onError: (why) => {
        reconciler.say("warn", `cannot read its record, retrying: ${why}`);
      },
    });
  }

  private drop(id: bigint): void {
    this.members.get(id)?.follow?.stop();
    if (this.members.delete(id)) this.makeWorld().say("debug", `${f58(id)}: forgotten`);
  }
}

function cleaned(cluster: Cluster): Cleaned {
  const left = cluster.down?.left ?? [];
  const [first] = left;
  const note = first === undefined ? "" : (stepState(cluster, "down-v", first)?.note ?? "");
  const where = left.map((rank) => hostOf(cluster, rank)).join(", ");
  return { jobid: String(cluster.jobid), left: encodeIdset(left), where, note };
}
