/**
 * Plans the release of a hold. plugin/bridge.py posts the hold itself; plugin/release-hold.ts
 * releases it. A finish is planned only for the daemon's own start that
 * the job's eventlog shows as counted and unfinished: Flux counts all prologs
 * and epilogs in one counter, and one finish too many frees the resources under
 * a site's own epilog.
 */
import type { Action } from "./action.js";
import { isHeld, isOver, type Cluster } from "./state.js";

/** `extended`: the job's time limit was extended by the hold, or need not be. */
export function planHolds(cluster: Cluster, extended: boolean): Action[] {
  const { job, claim, down } = cluster;
  if (job.clean) return [];
  const actions: Action[] = [];
  const over = isOver(cluster);
  // Prolog and epilog both stay until the cluster is down: when a site's prolog fails, Flux
  // counts the finish of the epilog that follows it but not its start, which uses up one of
  // the daemon's.
  const gone = !claim || down !== undefined;
  if (job.prolog === "counted" && (over ? gone : mayStart(cluster, extended)))
    actions.push({ do: "finish-prolog", status: over ? 1 : 0 });
  // Late: while the job runs, its finish has no effect; later it would count.
  if (job.prolog === "late" && !over) actions.push({ do: "finish-prolog", status: 0 });
  if (job.epilog === "counted" && gone) actions.push({ do: "finish-epilog" });
  return actions;
}

/** What kept the job's nodes until its cluster was removed; `late`: they were free before. */
export type KeptBy = "shell" | "epilog" | "late";

/**
 * For a job that is over and down; undefined if its eventlog is gone, if its cluster is or was
 * kept, or if it never had nodes. The time of `down` is from before it is written, and the nodes
 * are not released before it is written.
 */
export function keptBy({ job, down, firstDown }: Cluster): KeptBy | undefined {
  const { freeAt, finishAt, tasksDoneAt, fatal, epilog } = job;
  if (!down || !firstDown || firstDown.kept || freeAt === undefined) return undefined;
  if (freeAt < firstDown.at) return "late";
  const waited = tasksDoneAt !== undefined && finishAt !== undefined && firstDown.at <= finishAt;
  // After a fatal exception a shell does not wait, and there is an epilog.
  return waited && !(fatal && epilog !== "none") ? "shell" : "epilog";
}

/**
 * The daemon's prolog is the last to finish: when a site's prolog fails, Flux frees the nodes
 * immediately, unless the daemon's still keeps them for the teardown.
 */
function mayStart(cluster: Cluster, extended: boolean): boolean {
  const { job, settle } = cluster;
  const ready = settle?.outcome === "ready" && !isHeld(cluster) && extended;
  return ready && job.otherPrologs.size === 0;
}
