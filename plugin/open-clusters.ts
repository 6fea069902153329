/**
 * The clusters that are open: from claim until nothing is left. Ports and
 * subnets are worked out from them, so that no counter can get lost; they are
 * the KVS directory usernetes.cluster in memory.
 */
import { decodeIdset } from "../lib/flux/idset.js";
import type { Avoid, Claim } from "../lib/record/events.js";
import type { OpenCluster } from "../lib/record/writer.js";
import { choosePorts, type PortRange } from "../lib/usernetes/ports.js";
import { INSTANCE } from "../lib/usernetes/names.js";
import { chooseBlock, indexOf, subnet, type Pool } from "../lib/usernetes/subnets.js";

export class OpenClusters {
  private readonly clusters = new Map<bigint, OpenCluster>();

  add(entry: OpenCluster): void {
    this.clusters.set(BigInt(entry.jobid), entry);
  }

  remove(jobid: bigint): void {
    this.clusters.delete(jobid);
  }

  get(jobid: bigint): OpenCluster | undefined {
    return this.clusters.get(jobid);
  }

  all(): OpenCluster[] {
    return [...this.clusters.values()];
  }

  /** All but the cluster of the whole instance, which `flux usernetes down` takes down. */
  ofJobs(): OpenCluster[] {
    return this.all().filter(({ jobid }) => jobid !== String(INSTANCE));
  }

  /**
   * Ports and node subnets that no other open cluster has on any of these hosts,
   * and that `avoid` does not name; or what ran out.
   */
  choose(
    { jobid, hosts, avoid = [] }: { jobid: bigint; hosts: string[]; avoid?: Avoid[] },
    from: { ports: PortRange; subnets: Pool },
  ): Pick<Claim, "ports" | "subnet"> | { exhausted: string } {
    const wanted = new Set(hosts);
    const neighbours = this.all()
      .filter((entry) => entry.jobid !== String(jobid))
      .map((entry) => entry.claim)
      .filter((claim) => claim.hosts.some((host) => wanted.has(host)));
    const ports = choosePorts(
      from.ports,
      [...neighbours, ...avoid].flatMap((taken) => taken.ports ?? []),
    );
    if (!ports) return { exhausted: "no ports are free on its nodes (usernetes.ports)" };
    const singles = avoid.flatMap(({ subnets = [] }) => subnets);
    const block = chooseBlock(from.subnets, hosts.length, [
      ...neighbours.map((claim) => blockOf(from.subnets, claim)),
      ...singles.map((taken) => ({ first: indexOf(from.subnets, taken), count: 1 })),
    ]);
    if (!block) return { exhausted: "no node subnets are free on its nodes (usernetes.subnets)" };
    return { ports, subnet: subnet(from.subnets, block.first) };
  }
}

function blockOf(pool: Pool, claim: Claim): { first: number; count: number } {
  return { first: indexOf(pool, claim.subnet), count: decodeIdset(claim.ranks).length };
}
