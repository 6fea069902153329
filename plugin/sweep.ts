/**
 * Looks for work directories of this instance on the nodes, by their marker files:
 * an instance that crashed may have lost the record of a cluster that is still
 * there. Only looks; what is found is an open cluster to be taken down.
 *
 * Any user can make such a directory, with any job's id in it. Whose a found one is
 * is therefore what the file system says and nothing else, and one job's id with
 * two owners is two clusters.
 */
import { fluxExec } from "../lib/flux/exec.js";
import { encodeIdset } from "../lib/flux/idset.js";
import type { Claim } from "../lib/record/events.js";
import type { OpenCluster } from "../lib/record/writer.js";
import { findScript, findAllScript } from "../lib/step/scripts.js";
import { isEngine, type EngineName } from "../lib/usernetes/engine.js";
import { INSTANCE, project, workdir } from "../lib/usernetes/names.js";
import { DEFAULT_PORTS } from "../lib/usernetes/ports.js";
import type { World } from "./world.js";

const DEADLINE_MS = 60_000;

interface Found {
  rank: number;
  userid: number;
  jobid: bigint;
  engine: EngineName | undefined;
  host: string;
}

export interface Swept {
  /** One for each job and owner whose workdirs were found; `left` has their ranks. */
  clusters: OpenCluster[];
  /** The ranks that answered. */
  ranks: number[];
}

/** One `flux exec` over these ranks. A rank that does not answer is missing in `ranks`. */
export async function sweep(world: World, ranks: number[]): Promise<Swept> {
  const { config, site } = world;
  const asOthers = config.runAs === "sudo" ? "yes" : "no";
  const words = [config.workdir, site.instance, asOthers, findScript()];
  const argv = ["sh", "-c", findAllScript(), "usernetes", ...words];
  const { stdout } = await world.run(
    fluxExec(ranks, { argv, env: site.base, timeoutMs: DEADLINE_MS }),
  );
  const found: Found[] = [];
  const answered: number[] = [];
  for (const line of stdout.split("\n")) {
    const [, rank, userid = "", jobid = "", engine = "", host = ""] =
      /^([0-9]+): (\S+) (\S+) (\S+) (\S+)$/.exec(line) ?? [];
    if (jobid === "end") answered.push(Number(rank));
    else if (jobid === "unseen")
      world.say(
        "warn",
        `${host} (rank ${String(rank)}): what uid ${userid} has in ${config.workdir} could not be looked at`,
      );
    else if (isId(jobid) && /^[0-9]+$/.test(userid))
      found.push({
        rank: Number(rank),
        userid: Number(userid),
        jobid: BigInt(jobid),
        engine: isEngine(engine) ? engine : undefined,
        host,
      });
  }
  const groups = new Map<string, Found[]>();
  for (const each of found.filter(({ jobid }) => jobid !== INSTANCE)) {
    const key = `${each.jobid} ${each.userid}`;
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  return {
    clusters: [...groups.values()].map((group) => clusterOf(group, world)),
    ranks: answered,
  };
}

/** Job ids have 64 bits. */
const isId = (text: string): boolean => /^[0-9]{1,20}$/.test(text) && BigInt(text) < 1n << 64n;

/** As much of a claim as a teardown needs; the record's own, where there is one, goes before it. */
function clusterOf(found: Found[], world: World): OpenCluster {
  const { config, clock } = world;
  const sorted = found.toSorted((a, b) => a.rank - b.rank);
  const { jobid = 0n, userid = world.owner } = sorted[0] ?? {};
  const ranks = sorted.map(({ rank }) => rank);
  const claim: Claim = {
    version: 1,
    ranks: encodeIdset(ranks),
    lead: ranks[0] ?? 0,
    hosts: sorted.map(({ host }) => host),
    userid,
    engine: sorted.find(({ engine }) => engine)?.engine ?? config.engine,
    workdir: workdir(config.workdir, jobid),
    project: project(jobid),
    ports: DEFAULT_PORTS,
    subnet: "10.100.0.0/24",
    deadline: clock.now(),
  };
  return { jobid: String(jobid), claim, left: ranks };
}
