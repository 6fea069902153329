/**
 * Removes the clusters of ended jobs that remain because a daemon was down, a node was lost, a
 * teardown failed or an instance crashed. The entries in the KVS and the marker files on the
 * nodes name them.
 *
 * Promises: never touches a cluster whose job is active; keeps an entry until every rank has
 * confirmed that it has no leftovers.
 */
import { encodeIdset } from "../lib/flux/idset.js";
import { f58 } from "../lib/flux/jobid.js";
import type { OpenCluster } from "../lib/record/writer.js";
import type { Bridge } from "./bridge.js";
import { readEntries } from "./open-cluster-store.js";
import { EBUSY, FluxError } from "./flux-error.js";
import { type Cleaned, ForeignWorkdirs } from "./foreign-workdirs.js";
import { findWorkdirs } from "./find-workdirs.js";
import type { World } from "./world.js";

export interface Jobs {
  /** Whether the job is known and has not ended. */
  isActive(jobid: bigint): boolean;
  /** Returns the job's user; undefined if the job is not active. */
  userOf(jobid: bigint): number | undefined;
  /**
   * Tears down a cluster. Resolves when the teardown has ended. A teardown that is already running
   * is not started twice.
   */
  takeDown(entry: OpenCluster): Promise<Cleaned>;
}

export class Leftovers {
  /** The ranks that have been searched since they came up. */
  private readonly seen = new Set<number>();
  private readonly strays: ForeignWorkdirs;

  constructor(
    private readonly makeWorld: () => World,
    private readonly bridge: Pick<Bridge, "list" | "lookup">,
    private readonly jobs: Jobs,
  ) {
    this.strays = new ForeignWorkdirs(makeWorld, (ranks) => {
      for (const rank of ranks) this.seen.delete(rank);
    });
  }

  /**
   * Reads the entries. The ports and subnets of their clusters are in use until the clusters are
   * removed.
   */
  async readEntries(): Promise<void> {
    const { open, say } = this.makeWorld();
    for (const entry of await readEntries(this.bridge, say)) open.add(entry);
  }

  /**
   * Takes down all leftovers on nodes that are up. The supervisor calls it again when brokers come
   * or go.
   */
  async takeAll(): Promise<void> {
    const { open } = this.makeWorld();
    for (const entry of open.ofJobs()) {
      const due = entry.left === undefined || (!entry.kept && this.reachable(entry).length > 0);
      if (due && !this.jobs.isActive(BigInt(entry.jobid))) void this.jobs.takeDown(entry);
    }
    for (const entry of await this.look()) void this.takeDownFound(entry);
  }

  /**
   * Cleans a job or all ended jobs, for `flux usernetes clean`. Throws a FluxError if the job is
   * active.
   */
  async clean(jobid: bigint | "all"): Promise<Cleaned[]> {
    if (jobid !== "all" && this.jobs.isActive(jobid))
      throw new FluxError(EBUSY, `job ${f58(jobid)} is active: cancel it, or wait until it ends`);
    this.seen.clear();
    const found = await this.look();
    const { open } = this.makeWorld();
    const isWanted = ({ jobid: id }: OpenCluster) => jobid === "all" || BigInt(id) === jobid;
    const known = open.ofJobs().filter(({ jobid: id }) => !this.jobs.isActive(BigInt(id)));
    return Promise.all([
      ...known.filter(isWanted).map((entry) => this.jobs.takeDown(entry)),
      ...found.filter(isWanted).map((entry) => this.takeDownFound(entry)),
    ]);
  }

  /**
   * Takes down a cluster that was found on nodes. Only a directory of the instance owner affects a
   * job's record, drained nodes and ports: another user may have planted any other directory.
   */
  private takeDownFound(entry: OpenCluster): Promise<Cleaned> {
    const { owner } = this.makeWorld();
    const isOurs = entry.claim.userid === owner && this.holder(entry) === undefined;
    return isOurs ? this.jobs.takeDown(entry) : this.strays.takeDown(entry);
  }

  /**
   * Returns the user of the job's known cluster. A directory of another user is unrelated to the
   * job.
   */
  private holder({ jobid }: OpenCluster): number | undefined {
    const id = BigInt(jobid);
    return this.jobs.userOf(id) ?? this.makeWorld().open.get(id)?.claim.userid;
  }

  /** The ranks with leftovers that are up. */
  reachable(entry: OpenCluster): number[] {
    const { nodes } = this.makeWorld();
    return (entry.left ?? []).filter((rank) => !nodes.isLost(rank));
  }

  /** Searches the ranks that came up since the last search for clusters without an entry. */
  private async look(): Promise<OpenCluster[]> {
    const world = this.makeWorld();
    for (const rank of this.seen) if (world.nodes.isLost(rank)) this.seen.delete(rank);
    const ranks = world.nodes.all().filter((rank) => !this.seen.has(rank));
    if (ranks.length === 0) return [];
    for (const rank of ranks) this.seen.add(rank);
    const swept = await findWorkdirs(world, ranks);
    const silent = ranks.filter((rank) => !swept.ranks.includes(rank));
    for (const rank of silent) this.seen.delete(rank);
    if (silent.length > 0)
      world.say("warn", `cannot check ranks ${encodeIdset(silent)} for leftovers`);
    return swept.clusters.filter((entry) => this.isStray(entry, world));
  }

  private isStray(entry: OpenCluster, { owner, say }: World): boolean {
    const { ranks, userid } = entry.claim;
    const holder = this.holder(entry);
    if (holder === userid) return false;
    const whose = userid === owner ? "" : `uid ${userid}, `;
    const what =
      holder === undefined
        ? "orphaned cluster: its job no longer exists"
        : "work directory owned by a different user than the job";
    say("warn", `${f58(BigInt(entry.jobid))}: ${what}: ${whose}ranks ${ranks}`);
    return true;
  }
}
