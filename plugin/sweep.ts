/**
 * Looks for work directories of this instance on the nodes, by their marker files:
 * an instance that crashed may have lost the record of a cluster that is still
 * there. Only looks; what is found is an open cluster to be taken down.
 */
import { fluxExec } from "../lib/flux/exec.js";
import { encodeIdset } from "../lib/flux/idset.js";
import type { Claim } from "../lib/record/events.js";
import type { OpenCluster } from "../lib/record/writer.js";
import { findScript } from "../lib/step/scripts.js";
import { isEngine, type EngineName } from "../lib/usernetes/engine.js";
import { project, workdir } from "../lib/usernetes/names.js";
import { DEFAULT_PORTS } from "../lib/usernetes/ports.js";
import type { World } from "./world.js";

const DEADLINE_MS = 60_000;

interface Found {
  rank: number;
  jobid: bigint;
  engine: EngineName | undefined;
  host: string;
}

export interface Swept {
  /** One for each job whose workdirs were found; `left` has their ranks. */
  clusters: OpenCluster[];
  /** The ranks that answered. */
  ranks: number[];
}

/** One `flux exec` over these ranks. A rank that does not answer is missing in `ranks`. */
export async function sweep(world: World, ranks: number[]): Promise<Swept> {
  const { config, site } = world;
  const argv = ["sh", "-c", findScript(), "usernetes", config.workdir, site.instance];
  const { stdout } = await world.run(
    fluxExec(ranks, { argv, env: site.base, timeoutMs: DEADLINE_MS }),
  );
  const found: Found[] = [];
  const answered: number[] = [];
  for (const line of stdout.split("\n")) {
    const [, rank, jobid = "", engine = "", host = ""] =
      /^([0-9]+): (\S+) (\S+) (\S+)$/.exec(line) ?? [];
    if (jobid === "end") answered.push(Number(rank));
    else if (/^[0-9]+$/.test(jobid))
      found.push({
        rank: Number(rank),
        jobid: BigInt(jobid),
        engine: isEngine(engine) ? engine : undefined,
        host,
      });
  }
  const jobids = [...new Set(found.map(({ jobid }) => jobid))];
  return {
    clusters: jobids.map((id) =>
      clusterOf(
        found.filter(({ jobid }) => jobid === id),
        id,
        world,
      ),
    ),
    ranks: answered,
  };
}

/** As much of a claim as a teardown needs; the record's own, where there is one, goes before it. */
function clusterOf(found: Found[], jobid: bigint, world: World): OpenCluster {
  const { config, owner, clock } = world;
  const sorted = found.toSorted((a, b) => a.rank - b.rank);
  const ranks = sorted.map(({ rank }) => rank);
  const claim: Claim = {
    version: 1,
    ranks: encodeIdset(ranks),
    lead: ranks[0] ?? 0,
    hosts: sorted.map(({ host }) => host),
    userid: owner,
    engine: sorted.find(({ engine }) => engine)?.engine ?? config.engine,
    workdir: workdir(config.workdir, jobid),
    project: project(jobid),
    ports: DEFAULT_PORTS,
    subnet: "10.100.0.0/24",
    deadline: clock.now(),
  };
  return { jobid: String(jobid), claim, left: ranks };
}
