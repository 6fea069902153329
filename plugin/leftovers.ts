/**
 * Clusters whose job has ended: what a daemon that was down, a node that was
 * lost, a teardown that failed or an instance that crashed has left. They are
 * known from their entries in the KVS, and from marker files on the nodes.
 *
 * Promises: a cluster whose job is active is never touched here; nothing is
 * forgotten before it has been seen to be gone.
 */
import { encodeIdset } from "../lib/flux/idset.js";
import { f58 } from "../lib/flux/jobid.js";
import type { OpenCluster } from "../lib/record/writer.js";
import type { Bridge } from "./bridge.js";
import { readEntries } from "./open-cluster-store.js";
import { EBUSY, FluxError } from "./flux-error.js";
import { type Cleaned, Strays } from "./foreign-workdirs.js";
import { sweep } from "./find-workdirs.js";
import type { World } from "./world.js";

export interface Jobs {
  /** Its job is known and not over. */
  isActive(jobid: bigint): boolean;
  /** Whose that job is; undefined where it is not active. */
  userOf(jobid: bigint): number | undefined;
  /** Resolves when the teardown has ended; one that is under way is joined. */
  takeDown(entry: OpenCluster): Promise<Cleaned>;
}

export class Leftovers {
  /** Ranks that have been looked at since they came up. */
  private readonly seen = new Set<number>();
  private readonly strays: Strays;

  constructor(
    private readonly makeWorld: () => World,
    private readonly bridge: Pick<Bridge, "list" | "lookup">,
    private readonly jobs: Jobs,
  ) {
    this.strays = new Strays(makeWorld, (ranks) => {
      for (const rank of ranks) this.seen.delete(rank);
    });
  }

  /** Their ports and subnets are taken until they are gone. */
  async readEntries(): Promise<void> {
    const { open, say } = this.makeWorld();
    for (const entry of await readEntries(this.bridge, say)) open.add(entry);
  }

  /** All that is left and can be reached is taken down; also when brokers came or went. */
  async takeAll(): Promise<void> {
    const { open } = this.makeWorld();
    for (const entry of open.ofJobs()) {
      const due = entry.left === undefined || (!entry.kept && this.reachable(entry).length > 0);
      if (due && !this.jobs.isActive(BigInt(entry.jobid))) void this.jobs.takeDown(entry);
    }
    for (const entry of await this.look()) void this.takeDownFound(entry);
  }

  /** For `flux-usernetes clean`. Throws a FluxError: its job is active. */
  async clean(jobid: bigint | "all"): Promise<Cleaned[]> {
    if (jobid !== "all" && this.jobs.isActive(jobid))
      throw new FluxError(EBUSY, `${f58(jobid)} is active: cancel it, or wait for its end`);
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
   * A job's record, its drained nodes and its ports are the owner's word: what
   * another user may have planted becomes nothing of it.
   */
  private takeDownFound(entry: OpenCluster): Promise<Cleaned> {
    const { owner } = this.makeWorld();
    const isOurs = entry.claim.userid === owner && this.holder(entry) === undefined;
    return isOurs ? this.jobs.takeDown(entry) : this.strays.takeDown(entry);
  }

  /** Whose the job's cluster is that we know of: a found one of another's has nothing to do with it. */
  private holder({ jobid }: OpenCluster): number | undefined {
    const id = BigInt(jobid);
    return this.jobs.userOf(id) ?? this.makeWorld().open.get(id)?.claim.userid;
  }

  /** The ranks that a teardown left, and that are up. */
  reachable(entry: OpenCluster): number[] {
    const { nodes } = this.makeWorld();
    return (entry.left ?? []).filter((rank) => !nodes.isLost(rank));
  }

  /** What is on ranks that came up since the last look, and in no entry. */
  private async look(): Promise<OpenCluster[]> {
    const world = this.makeWorld();
    for (const rank of this.seen) if (world.nodes.isLost(rank)) this.seen.delete(rank);
    const ranks = world.nodes.all().filter((rank) => !this.seen.has(rank));
    if (ranks.length === 0) return [];
    for (const rank of ranks) this.seen.add(rank);
    const swept = await sweep(world, ranks);
    const silent = ranks.filter((rank) => !swept.ranks.includes(rank));
    for (const rank of silent) this.seen.delete(rank);
    if (silent.length > 0)
      world.say("warn", `ranks ${encodeIdset(silent)} could not be checked for leftovers`);
    return swept.clusters.filter((entry) => this.isStray(entry, world));
  }

  private isStray(entry: OpenCluster, { owner, say }: World): boolean {
    const { ranks, userid } = entry.claim;
    const holder = this.holder(entry);
    if (holder === userid) return false;
    const whose = userid === owner ? "" : `uid ${userid}, `;
    const what =
      holder === undefined
        ? "its job is gone, and its cluster is not"
        : `a work directory that is not of the user of that job`;
    say("warn", `${f58(BigInt(entry.jobid))}: ${what}: ${whose}ranks ${ranks}`);
    return true;
  }
}
