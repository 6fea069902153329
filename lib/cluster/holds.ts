/**
 * Letting go of what was held. A finish is planned only for a start of ours that
 * the job's eventlog shows as counted and unfinished: Flux counts all prologs
 * and epilogs in one counter, and one finish too many frees the resources under
 * a site's own epilog.
 */
import type { Action } from "./plan.js";
import { isHeld, isOver, type Cluster } from "./state.js";

/** `extended`: the job has the time back that it was held, or needs none. */
export function planHolds(cluster: Cluster, extended: boolean): Action[] {
  const { job, claim, down } = cluster;
  if (job.clean) return [];
  const actions: Action[] = [];
  if (job.prolog === "counted" && mayStart(cluster, extended))
    actions.push({ do: "finish-prolog", status: isOver(cluster) ? 1 : 0 });
  // Late: while the job runs its finish counts for nothing; afterwards it would.
  if (job.prolog === "late" && !isOver(cluster)) actions.push({ do: "finish-prolog", status: 0 });
  if (job.epilog === "counted" && (!claim || down)) actions.push({ do: "finish-epilog" });
  return actions;
}

function mayStart(cluster: Cluster, extended: boolean): boolean {
  const { job, claim, settle, down } = cluster;
  if (!isOver(cluster)) return settle?.outcome === "ready" && !isHeld(cluster) && extended;
  // No gap: the epilog takes over from the prolog, or there is nothing (left) to keep nodes for.
  return job.epilog === "counted" || !claim || down !== undefined;
}
