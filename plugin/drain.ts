/**
 * Drains for leftovers: the reason of a drain (plugin/actions.ts drains with it), and the undrain
 * of such nodes when no cluster has leftovers on them. A node whose reason somebody has changed
 * stays drained. Safe to repeat. A failure is only logged.
 */
import { messageOf } from "../lib/errors.js";
import { decodeIdset, encodeIdset } from "../lib/flux/idset.js";
import type { OpenCluster } from "../lib/record/writer.js";
import { INSTANCE } from "../lib/usernetes/names.js";
import type { World } from "./world.js";

/** Matches the reasons that drainReason writes. */
const OURS = /^usernetes: teardown of \S+ failed: /;

export const drainReason = (name: string, note: string): string =>
  `usernetes: teardown of ${name} failed: ${note}`.slice(0, 300);

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
