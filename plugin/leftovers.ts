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
import { OPEN_CLUSTERS, parseOpenCluster, type OpenCluster } from "../lib/record/writer.js";
import type { Bridge } from "./bridge.js";
import { EBUSY, FluxError } from "./flux-error.js";
import { sweep } from "./sweep.js";
import type { World } from "./world.js";

/** How a teardown ended. */
export interface Cleaned {
  jobid: string;
  /** Idset of the ranks where something is left; empty: nothing is. */
  left: string;
  /** `node1 (rank 1)`, those ranks in words. */
  where: string;
  /** Why, on the first of them. */
  note: string;
}

export interface Jobs {
  /** Its job is known and not over. */
  isActive(jobid: bigint): boolean;
  /** Resolves when the teardown has ended; one that is under way is joined. */
  takeDown(entry: OpenCluster): Promise<Cleaned>;
}

export class Leftovers {
  /** Ranks that have been looked at since they came up. */
  private readonly seen = new Set<number>();

  constructor(
    private readonly makeWorld: () => World,
    private readonly bridge: Pick<Bridge, "list" | "lookup">,
    private readonly jobs: Jobs,
  ) {}

  /** Their ports and subnets are taken until they are gone. */
  async readEntries(): Promise<void> {
    const { open } = this.makeWorld();
    for (const entry of await this.entries()) open.add(entry);
  }

  /** All that is left and can be reached is taken down; also when brokers came or went. */
  async takeAll(): Promise<void> {
    const { open } = this.makeWorld();
    for (const entry of open.all()) {
      const due = entry.left === undefined || (!entry.kept && this.reachable(entry).length > 0);
      if (due && !this.jobs.isActive(BigInt(entry.jobid))) void this.jobs.takeDown(entry);
    }
    for (const entry of await this.look()) void this.jobs.takeDown(entry);
  }

  /** For `flux-usernetes clean`. Throws a FluxError: its job is active. */
  async clean(jobid: bigint | "all"): Promise<Cleaned[]> {
    if (jobid !== "all" && this.jobs.isActive(jobid))
      throw new FluxError(EBUSY, `${f58(jobid)} is active: cancel it, or wait for its end`);
    this.seen.clear();
    const found = await this.look();
    const { open } = this.makeWorld();
    const wanted = [...open.all(), ...found].filter((entry) => {
      const id = BigInt(entry.jobid);
      return (jobid === "all" || id === jobid) && !this.jobs.isActive(id);
    });
    return Promise.all(wanted.map((entry) => this.jobs.takeDown(entry)));
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
      world.say("warn", `ranks ${encodeIdset(silent)} did not say what is left on them`);
    return swept.clusters.filter((entry) => this.isStray(entry, world));
  }

  private isStray(entry: OpenCluster, { open, say }: World): boolean {
    const jobid = BigInt(entry.jobid);
    if (this.jobs.isActive(jobid) || open.get(jobid)) return false;
    const { ranks } = entry.claim;
    say("warn", `${f58(jobid)}: its job is gone, and its cluster is not: ranks ${ranks}`);
    return true;
  }

  private async entries(): Promise<OpenCluster[]> {
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
}
