/**
 * Drains nodes with leftovers, and undrains them when no cluster has leftovers on them. A node whose
 * reason somebody has changed stays drained. Safe to repeat. A failure is only logged.
 */
import { stepState } from "../lib/cluster/state.js";
import { messageOf } from "../lib/errors.js";
import { decodeIdset, encodeIdset } from "../lib/flux/idset.js";
import type { OpenCluster } from "../lib/record/writer.js";
import { INSTANCE } from "../lib/usernetes/names.js";
import type { Job } from "./job.js";
import type { World } from "./world.js";

/** Matches the reasons that drainReason writes. */
const OURS = /^usernetes: teardown of \S+ failed: /;

export const drainReason = (name: string, note: string): string =>
  `usernetes: teardown of ${name} failed: ${note}`.slice(0, 300);

/** Logs which ranks have leftovers, and drains those that are up. */
export async function drainLeft(job: Job, left: number[]): Promise<void> {
  const { cluster, world } = job;
  const lost = left.filter((rank) => world.nodes.isLost(rank));
  if (lost.length > 0)
    job.say("warn", `ranks ${encodeIdset(lost)} are down; they will be cleaned when they return`);
  const failed = left.filter((rank) => !world.nodes.isLost(rank));
  if (failed.length === 0) return;
  const note = stepState(cluster, "down-v", failed[0] ?? 0)?.note ?? "";
  const reason = drainReason(job.name, note);
  job.say("error", `teardown failed on ranks ${encodeIdset(failed)}: ${note}`);
  // If stage failed for good, nothing was created on the node: such a job must not drain nodes.
  const touched = failed.filter((rank) => stepState(cluster, "stage", rank)?.fault !== "permanent");
  // Draining only informs the administrator. Its failure must not delay the job.
  if (world.config.drain && touched.length > 0)
    await world.flux.drain(encodeIdset(touched), reason).then(
      () => {
        job.say("warn", `drained ranks ${encodeIdset(touched)}`);
      },
      (error: unknown) => {
        job.say("warn", `cannot drain ranks ${encodeIdset(touched)}: ${messageOf(error)}`);
      },
    );
}

/**
 * Undrains the nodes that the daemon drained and that have no leftovers. `ended`: a cluster whose
 * teardown has ended, but whose entry does not show that yet.
 */
export async function undrainCleaned(
  { config, flux, open, say }: World,
  ended?: { jobid: bigint; left: number[] },
): Promise<void> {
  if (!config.undrain) return;
  try {
    const drained = Object.entries(await flux.drained());
    const drainedByDaemon = drained.flatMap(([ranks, reason]) =>
      OURS.test(reason) ? decodeIdset(ranks) : [],
    );
    const others = open.all().filter(({ jobid }) => jobid !== String(ended?.jobid));
    const busy = new Set([...others.flatMap(holds), ...(ended?.left ?? [])]);
    const clean = encodeIdset(drainedByDaemon.filter((rank) => !busy.has(rank)));
    if (clean === "") return;
    await flux.undrain(clean, "usernetes: nothing is left");
    say("info", `undrained ranks ${clean}: no leftovers`);
  } catch (error) {
    say("warn", `undrain: ${messageOf(error)}`);
  }
}

/**
 * Returns the ranks where a cluster has, or may have, leftovers. The cluster of the whole instance
 * counts only with its known leftovers, because no job's end tears it down.
 */
function holds({ jobid, claim, left, kept }: OpenCluster): number[] {
  if (kept) return [];
  return left ?? (jobid === String(INSTANCE) ? [] : decodeIdset(claim.ranks));
}
