/**
 * The open clusters, from the claim until no leftovers remain: a copy of the KVS directory
 * usernetes.cluster in memory. Free ports and subnets are derived from them, so that no counter can
 * be lost.
 */
import { EventEmitter } from "node:events";
import { decodeIdset } from "../lib/flux/idset.js";
import type { Avoid, Claim } from "../lib/record/events.js";
import type { OpenCluster } from "../lib/record/writer.js";
import { choosePorts, type PortRange } from "../lib/usernetes/ports.js";
import { INSTANCE, nameOf } from "../lib/usernetes/names.js";
import {
  blockOfNetwork,
  chooseBlock,
  indexOf,
  subnet,
  type Pool,
} from "../lib/usernetes/subnets.js";

export interface Exhausted {
  /** The reason: what ran out, and which clusters have it. */
  exhausted: string;
  /** Whether another cluster has the missing ports or subnets, and will release them. */
  passes: boolean;
}

interface Wanted {
  jobid: bigint;
  hosts: string[];
  avoid?: Avoid[];
  /** Variables of further ports beside usernetes' four. */
  portVariables?: readonly string[];
  /** The networks that each host is in or has a route to. */
  networks?: ReadonlyMap<string, string[]>;
}

export class OpenClusters {
  private readonly clusters = new Map<bigint, OpenCluster>();
  private readonly changes = new EventEmitter().setMaxListeners(0);
  /**
   * Clusters whose jobs are inactive: Flux has released the nodes, and another job may have them.
   */
  private readonly released = new Set<bigint>();

  add(entry: OpenCluster): void {
    this.clusters.set(BigInt(entry.jobid), entry);
    this.changes.emit("change");
  }

  remove(jobid: bigint): void {
    this.released.delete(jobid);
    if (this.clusters.delete(jobid)) this.changes.emit("change");
  }

  /** Calls back after each change until the returned function is called. */
  onChange(callback: () => void): () => void {
    this.changes.on("change", callback);
    return () => this.changes.off("change", callback);
  }

  /** Notes that the cluster's job is inactive. */
  setReleased(jobid: bigint): void {
    if (this.clusters.has(jobid)) this.released.add(jobid);
  }

  /** Returns the clusters of inactive jobs on any of these hosts whose teardown has not ended. */
  tornDownOn(hosts: readonly string[]): bigint[] {
    const wanted = new Set(hosts);
    return [...this.released].filter(
      (jobid) =>
        this.isBeingTornDown(jobid) &&
        this.get(jobid)?.claim.hosts.some((host) => wanted.has(host)),
    );
  }

  /**
   * Whether the cluster of an inactive job is still being torn down. Leftovers of a failed teardown
   * do not count: they stay until an administrator acts, and no job waits for them.
   */
  isBeingTornDown(jobid: bigint): boolean {
    const entry = this.clusters.get(jobid);
    return this.released.has(jobid) && entry !== undefined && entry.left === undefined;
  }

  get(jobid: bigint): OpenCluster | undefined {
    return this.clusters.get(jobid);
  }

  all(): OpenCluster[] {
    return [...this.clusters.values()];
  }

  /** All clusters except that of the whole instance, which `flux usernetes down` takes down. */
  ofJobs(): OpenCluster[] {
    return this.all().filter(({ jobid }) => jobid !== String(INSTANCE));
  }

  /**
   * Chooses ports and node subnets that no other open cluster has on any of these hosts, that
   * `avoid` does not name, and that overlap no network of the hosts. If not enough are free,
   * returns what ran out.
   */
  choose(
    { jobid, hosts, avoid = [], networks = new Map<string, string[]>(), portVariables }: Wanted,
    from: { ports: PortRange; subnets: Pool },
  ): Pick<Claim, "ports" | "subnet"> | Exhausted {
    const neighbours = this.neighbours(jobid, hosts);
    const names = neighbours.map((entry) => nameOf(BigInt(entry.jobid)));
    const whose = `: ${names.join(", ")} ${names.length > 1 ? "have" : "has"} them`;
    const found = avoid.flatMap((taken) => taken.ports ?? []);
    const taken = [...neighbours.map(({ claim }) => claim.ports), ...found];
    const ports = choosePorts(from.ports, taken, portVariables);
    if (!ports) {
      const passes = choosePorts(from.ports, found, portVariables) !== undefined;
      const what = "no ports are free on its nodes (usernetes.ports)";
      return { exhausted: passes ? what + whose : what, passes };
    }
    const fixed = [
      ...avoid.flatMap(({ subnets = [] }) => subnets),
      ...hosts.flatMap((host) => networks.get(host) ?? []),
    ].flatMap((network) => blockOfNetwork(from.subnets, network) ?? []);
    const neighbourBlocks = neighbours.map(({ claim }) => blockOf(from.subnets, claim));
    const block = chooseBlock(from.subnets, hosts.length, [...neighbourBlocks, ...fixed]);
    if (block) return { ports, subnet: subnet(from.subnets, block.first) };
    const what = "no node subnets are free on its nodes (usernetes.subnets)";
    if (chooseBlock(from.subnets, hosts.length, fixed))
      return { exhausted: what + whose, passes: true };
    return { exhausted: what + overlaps(from.subnets, hosts, networks), passes: false };
  }

  /** The clusters that may have resources on one of these hosts. */
  private neighbours(jobid: bigint, hosts: string[]): OpenCluster[] {
    const wanted = new Set(hosts);
    return this.all().filter(
      (entry) => entry.jobid !== String(jobid) && hostsOf(entry).some((host) => wanted.has(host)),
    );
  }
}

/** The hosts where a cluster may have resources. */
function hostsOf({ claim, left, kept }: OpenCluster): string[] {
  if (left === undefined || kept) return claim.hosts;
  const ranks = decodeIdset(claim.ranks);
  return left.flatMap((rank) => claim.hosts[ranks.indexOf(rank)] ?? []);
}

/** Lists the networks of the hosts that overlap the pool; empty if none does. */
function overlaps(pool: Pool, hosts: string[], networks: ReadonlyMap<string, string[]>): string {
  const found = hosts.flatMap((host) =>
    (networks.get(host) ?? [])
      .filter((network) => blockOfNetwork(pool, network) !== undefined)
      .map((network) => `${network} (${host})`),
  );
  if (found.length === 0) return "";
  const more = found.length > 4 ? ` and ${found.length - 4} more` : "";
  return `: they overlap networks of the nodes, ${found.slice(0, 4).join(", ")}${more}; set usernetes.subnets to a network that is not in use at this site`;
}

function blockOf(pool: Pool, claim: Claim): { first: number; count: number } {
  return { first: indexOf(pool, claim.subnet), count: decodeIdset(claim.ranks).length };
}
