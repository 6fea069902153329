/** Decides whether a job can have a cluster, and chooses its ports, subnets and settings. */
import { readFileSync } from "node:fs";
import { conflicts, describeFailure } from "../lib/cluster/failures.js";
import { stepState, type Cluster } from "../lib/cluster/state.js";
import { decodeIdset, encodeIdset } from "../lib/flux/idset.js";
import type { Config } from "../lib/config/check.js";
import { chooseTemplate, type Template } from "../lib/config/template.js";
import type { Avoid, Claim } from "../lib/record/events.js";
import { settingOf } from "../lib/record/setting.js";
import type { OpenCluster } from "../lib/record/writer.js";
import { hostNamesFault } from "../lib/usernetes/host-names.js";
import { portVariablesOf } from "../lib/usernetes/ports.js";
import { following } from "../lib/usernetes/subnets.js";
import { INSTANCE } from "../lib/usernetes/names.js";
import type { Exhausted } from "./open-clusters.js";
import type { World } from "./world.js";

/** The reason, as a message for the job's user. */
export interface Refused {
  refused: string;
  /** Another cluster has the missing ports or subnets, and will release them. */
  passes?: true;
}

/** A claim whose ports and subnets no other job gets, although it is not written yet. */
export interface Taken {
  claim: Claim;
  entry: OpenCluster;
  /** Releases the ports and subnets. The caller uses it if the claim could not be written. */
  release: () => void;
}

/**
 * Reserves the ports and subnets of a claim. There is no `await` between the choice and the
 * reservation, because many jobs get their nodes at the same moment and would choose the same
 * ports.
 */
export function take(
  cluster: Cluster,
  { open, clock, site, config }: World,
  claim: Claim | Refused,
): Taken | Refused {
  if ("refused" in claim) return claim;
  const { jobid } = cluster;
  const before = open.get(jobid);
  // A cluster that moves to other ports keeps its template, even if the configuration has changed.
  const template = before?.setting ? undefined : templateOf(cluster, config);
  if (template && "refused" in template) return template;
  const entry: OpenCluster = {
    jobid: String(jobid),
    claim,
    claimedAt: before?.claimedAt ?? clock.now(),
    setting: before?.setting ?? settingOf({ ...site, ...template }, config.teardownTimeoutMs),
  };
  open.add(entry);
  const release = (): void => {
    if (before) open.add(before);
    else open.remove(jobid);
  };
  return { claim, entry, release };
}

/**
 * Makes the claim of a job, or the reason to refuse it. `networks`: the networks of each of the
 * job's ranks.
 */
export function makeClaim(
  cluster: Cluster,
  world: World,
  networks: ReadonlyMap<number, string[]>,
): Claim | Refused {
  const { config, owner, clock } = world;
  const { asked, resources, jobid, userid } = cluster;
  if (!("asks" in asked) || !asked.asks || !resources)
    return { refused: "no cluster was asked for" };
  const { ranks, hosts } = resources;
  const engine = asked.request.engine ?? config.engine;
  const template = templateOf(cluster, config);
  if ("refused" in template) return template;
  const refused =
    refuseUser(userid, owner, config.runAs) ??
    refuseEngine(engine, config.engines) ??
    refuseNodes(
      hosts,
      podSubnetNodes(template),
      "podSubnet in the template's kubeadm-config.yaml",
    ) ??
    refuseNodes(hosts, config.subnets.size, "usernetes.subnets") ??
    hostNamesFault(hosts);
  if (refused !== undefined) return { refused };
  const chosen = world.open.choose(
    {
      ...{ jobid, hosts, networks: byHost(ranks, hosts, networks) },
      portVariables: template.options.portVariables,
    },
    config,
  );
  if ("exhausted" in chosen) return refusedOf(chosen, jobid);
  return {
    version: 1,
    ranks: encodeIdset(ranks),
    lead: ranks[0] ?? 0,
    hosts,
    userid,
    engine,
    ...world.names(jobid),
    ports: chosen.ports,
    subnet: chosen.subnet,
    deadline: clock.now() + config.bringUpTimeoutMs / 1000,
    ...(config.shared === "yes" ? { shared: true } : {}),
  };
}

/** Returns the template that the job requests, or the site's default template. */
function templateOf({ asked }: Cluster, config: Config): Template | Refused {
  const name = "asks" in asked && asked.asks ? asked.request.template : undefined;
  const template = chooseTemplate(config, name);
  if (!("allowed" in template)) return template;
  const found = JSON.stringify(name)
    .slice(0, 80)
    .replace(/[^\x20-\x7e]/g, "?");
  return {
    refused: `attributes.user.usernetes_template: found ${found}, allowed here: ${template.allowed}`,
  };
}

/** Makes another claim, without the ports and subnets that `up` found in use. */
export function claimOthers(
  cluster: Cluster,
  claim: Claim,
  world: World,
  networks: ReadonlyMap<number, string[]>,
): Claim | Refused {
  const { jobid } = cluster;
  const { hosts } = claim;
  const found = [...conflicts(cluster)];
  const avoid = [...(claim.avoid ?? []), takenOf(claim, found)];
  const ownNetworks = byHost(decodeIdset(claim.ranks), hosts, networks);
  const portVariables = portVariablesOf(claim.ports);
  const chosen = world.open.choose(
    { jobid, hosts, avoid, networks: ownNetworks, portVariables },
    world.config,
  );
  if ("exhausted" in chosen) {
    if (chosen.passes) return refusedOf(chosen, jobid);
    const [rank = claim.lead] = found[0] ?? [];
    const at = stepState(cluster, "up", rank);
    const failed = at ? `${describeFailure(cluster, { step: "up", rank, at })}; ` : "";
    return { refused: failed + chosen.exhausted };
  }
  return { ...claim, ...chosen, avoid };
}

/** `flux usernetes up` gets no notice of other clusters, and does not wait for them. */
const refusedOf = ({ exhausted, passes }: Exhausted, jobid: bigint): Refused =>
  passes && jobid !== INSTANCE ? { refused: exhausted, passes } : { refused: exhausted };

const byHost = (
  ranks: readonly number[],
  hosts: readonly string[],
  networks: ReadonlyMap<number, string[]>,
) => new Map(ranks.map((rank, place) => [hosts[place] ?? "", networks.get(rank) ?? []]));

function takenOf(claim: Claim, found: [number, "port" | "subnet"][]): Avoid {
  const ranks = decodeIdset(claim.ranks);
  const subnets = found
    .filter(([, fault]) => fault === "subnet")
    .map(([rank]) => following(claim.subnet, ranks.indexOf(rank)));
  const ports = found.some(([, fault]) => fault === "port") ? { ports: claim.ports } : {};
  return { ...ports, ...(subnets.length > 0 ? { subnets } : {}) };
}

function refuseUser(userid: number, owner: number, runAs: Config["runAs"]): string | undefined {
  if (userid === owner) return undefined;
  if (runAs === "owner")
    return `jobs of uid ${userid} cannot have a cluster here: usernetes.run-as is "owner", and the instance belongs to uid ${owner}; set usernetes.run-as = "sudo" for clusters of all users`;
  if (userid !== 0) return undefined;
  return `root's jobs cannot have a cluster here: usernetes.run-as is "sudo", and no step runs as root; submit the job as another user`;
}

function refuseEngine(engine: string, allowed: readonly string[]): string | undefined {
  if (allowed.includes(engine)) return undefined;
  return `attributes.user.usernetes_engine: found "${engine}", allowed here: ${allowed.join(", ")} (usernetes.engines)`;
}

/**
 * Refuses a job with too many nodes. `room`: the maximum number of nodes. `what`: the setting that
 * limits it.
 */
function refuseNodes(hosts: string[], room: number, what: string): string | undefined {
  if (hosts.length <= room) return undefined;
  return `the job has ${hosts.length} nodes, and a cluster holds at most ${room} (${what})`;
}

const DEFAULT_NODES = 256;

/** Returns how many /24 subnets the template's podSubnet has. The default /16 has 256. */
function podSubnetNodes({ template, isUsers }: Template): number {
  // The daemon does not read files of a user.
  if (isUsers) return DEFAULT_NODES;
  try {
    const text = readFileSync(`${template}/kubeadm-config.yaml`, "utf8");
    const bits = Number(/^\s*podSubnet:\s*["']?[0-9.]+\/([0-9]+)/m.exec(text)?.[1] ?? 16);
    return bits <= 24 ? 2 ** (24 - bits) : 1;
  } catch {
    return DEFAULT_NODES;
  }
}
