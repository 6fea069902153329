/**
 * Plans the release of a hold. plugin/bridge.py posts the hold itself; plugin/release-hold.ts
 * releases it. A finish is planned only for the daemon's own start that
 * the job's eventlog shows as counted and unfinished: Flux counts all prologs
 * and epilogs in one counter, and one finish too many frees the resources under
 * a site's own epilog.
 */
import type { Action } from "./action.js";
import { isHeld, isOver, type Cluster } from "./state.js";

/** `extended`: the job has the time back that it was held, or needs none. */
export function planHolds(cluster: Cluster, extended: boolean): Action[] {
  const { job, claim, down } = cluster;
  if (job.clean) return [];
  const actions: Action[] = [];
  const over = isOver(cluster);
  // As long as there is something to keep nodes for, prolog and epilog both do: when
  // a site's prolog fails, Flux counts the finish of the epilog that follows it and
  // not its start, so that one of the daemon's is used up.
  const gone = !claim || down !== undefined;
  if (job.prolog === "counted" && (over ? gone : mayStart(cluster, extended)))
    actions.push({ do: "finish-prolog", status: over ? 1 : 0 });
  // Late: while the job runs its finish counts for nothing; afterwards it would.
  if (job.prolog === "late" && !over) actions.push({ do: "finish-prolog", status: 0 });
  if (job.epilog === "counted" && gone) actions.push({ do: "finish-epilog" });
  return actions;
}

/** What kept the job's nodes until its cluster was gone; `late`: they were free before. */
export type KeptBy = "shell" | "epilog" | "late";

/**
 * For a job that is over and down; undefined where its eventlog is gone, its cluster is
 * kept, or it never had nodes. `down` has the time before it is written, and nothing
 * lets go of the nodes before it is written.
 */
export function keptBy({ job, down, downAt }: Cluster): KeptBy | undefined {
  const { freeAt, finishAt, tasksDoneAt, fatal, epilog } = job;
  if (!down || down.kept || downAt === undefined || freeAt === undefined) return undefined;
  if (freeAt < downAt) return "late";
  const waited = tasksDoneAt !== undefined && finishAt !== undefined && downAt <= finishAt;
  // A shell does not wait on after a fatal exception, which brings an epilog.
  return waited && !(fatal && epilog !== "none") ? "shell" : "epilog";
}

/**
 * Ours is the last prolog to go: when a site's fails, Flux frees the nodes in the
 * same moment, unless ours still keeps them for the teardown.
 */
function mayStart(cluster: Cluster, extended: boolean): boolean {
  const { job, settle } = cluster;
  const ready = settle?.outcome === "ready" && !isHeld(cluster) && extended;
  return ready && job.otherPrologs.size === 0;
}
