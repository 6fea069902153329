/**
 * Searches the nodes for work directories of this instance, by their marker files: an instance that
 * crashed may have lost the record of a cluster that still exists. Changes nothing; the caller has
 * to take down each cluster that is found.
 *
 * Any user can create such a directory with any job's ID in it. Therefore only the file system
 * decides who owns a directory, and one job ID with two owners is two clusters.
 */
import { environmentFault } from "../lib/config/site-environment.js";
import { encodeIdset } from "../lib/flux/idset.js";
import type { Claim } from "../lib/record/events.js";
import { settingOf } from "../lib/record/setting.js";
import type { OpenCluster } from "../lib/record/writer.js";
import { callNodes } from "../lib/node/call.js";
import type { Report, Request } from "../lib/node/protocol.js";
import { isEngine, type EngineName } from "../lib/usernetes/engine.js";
import { INSTANCE, project, workdir } from "../lib/usernetes/names.js";
import { DEFAULT_PORTS } from "../lib/usernetes/ports.js";
import type { World } from "./world.js";

const DEADLINE_S = 60;

interface Found {
  rank: number;
  userid: number;
  jobid: bigint;
  engine: EngineName | undefined;
  /** The site's variables that the cluster was made with. */
  variables: Record<string, string>;
}

export interface FoundWorkdirs {
  /** One cluster for each job and owner of work directories; its `left` has the ranks. */
  clusters: OpenCluster[];
  /** The ranks that have answered. */
  ranks: number[];
}

/** Searches these ranks in one call. A rank that does not answer is missing in `ranks`. */
export async function findWorkdirs(world: World, ranks: number[]): Promise<FoundWorkdirs> {
  const { config, site, run } = world;
  const found: Found[] = [];
  /** Host names of the ranks that have answered. */
  const hosts = new Map<number, string>();
  const called = { ranks, env: site.base, limitS: DEADLINE_S };
  const take = (report: Report): void => {
    const { rank } = report;
    if (report.report === "searched") hosts.set(rank, report.host);
    else if (report.report === "unseen")
      world.say(
        "warn",
        `rank ${rank}: the work directories of uid ${report.userid} in ${config.workdir} cannot be read`,
      );
    else if (report.report === "found" && isId(report.jobid)) {
      const { userid, jobid, engine, site: variables } = report;
      found.push({
        rank,
        userid,
        jobid: BigInt(jobid),
        engine: isEngine(engine) ? engine : undefined,
        // The directory's owner may have written anything there.
        variables: environmentFault(variables) === undefined ? variables : {},
      });
    }
  };
  const first: Request[] = [
    {
      do: "find",
      env: site.base,
      base: config.workdir,
      instance: site.instance,
      others: config.runAs === "sudo",
    },
    { do: "end" },
  ];
  await callNodes(run, called, { onReport: take }, first).over;
  const groups = new Map<string, Found[]>();
  for (const each of found.filter(({ jobid }) => jobid !== INSTANCE)) {
    const key = `${each.jobid} ${each.userid}`;
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  return {
    clusters: [...groups.values()].map((group) => clusterOf(group, hosts, world)),
    ranks: [...hosts.keys()],
  };
}

/** Job IDs have 64 bits. */
const isId = (text: string): boolean => /^[0-9]{1,20}$/.test(text) && BigInt(text) < 1n << 64n;

/** Makes the part of a claim that a teardown needs. A claim in the record takes precedence. */
function clusterOf(found: Found[], hosts: Map<number, string>, world: World): OpenCluster {
  const { config, clock } = world;
  const sorted = found.toSorted((a, b) => a.rank - b.rank);
  const { jobid = 0n, userid = world.owner } = sorted[0] ?? {};
  const ranks = sorted.map(({ rank }) => rank);
  const claim: Claim = {
    version: 1,
    ranks: encodeIdset(ranks),
    lead: ranks[0] ?? 0,
    hosts: ranks.map((rank) => hosts.get(rank) ?? `rank ${rank}`),
    userid,
    engine: sorted.find(({ engine }) => engine)?.engine ?? config.engine,
    workdir: workdir(config.workdir, jobid),
    project: project(jobid),
    ports: DEFAULT_PORTS,
    subnet: "10.100.0.0/24",
    deadline: clock.now(),
  };
  const variables = sorted.find((each) => Object.keys(each.variables).length > 0)?.variables;
  if (!variables) return { jobid: String(jobid), claim, left: ranks };
  // The entry that has been lost had these; the rest is as it is now.
  const setting = settingOf(world.site, config.teardownTimeoutMs);
  const options = { ...world.site.options, environment: variables };
  return { jobid: String(jobid), claim, left: ranks, setting: { ...setting, options } };
}
