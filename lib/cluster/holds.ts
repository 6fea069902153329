/**
 * Plans the release of a hold. plugin/bridge.py posts the hold, and plugin/release-hold.ts releases
 * it. A finish is planned only for a start of the daemon itself that the job's eventlog shows as
 * counted and unfinished: Flux counts all prologs and epilogs in one counter, and one finish too
 * many frees the resources under a site's own epilog.
 */
import type { Action } from "./action.js";
import { isHeld, isOver, type Cluster } from "./state.js";

/**
 * Plans the finish of the daemon's prolog and epilog. `extended`: the job's time limit was extended
 * by the time of the hold, or need not be.
 */
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
  // The finish of a late prolog has no effect while the job runs. Later it would count.
  if (job.prolog === "late" && !over) actions.push({ do: "finish-prolog", status: 0 });
  if (job.epilog === "counted" && gone) actions.push({ do: "finish-epilog" });
  return actions;
}

/** What kept the job's nodes until its cluster was removed; `late`: they were free before. */
export type KeptBy = "shell" | "epilog" | "late";

/**
 * Returns what kept the nodes of a job that is over and whose cluster is down. Returns undefined if
 * the job's eventlog is gone, if its cluster is or was kept, or if the job never had nodes. The
 * timestamp of `down` is taken before the event is written, and the nodes are released only after
 * it is written.
 */
export function keptBy({ job, down, firstDown }: Cluster): KeptBy | undefined {
  const { freeAt, finishAt, tasksDoneAt, fatal, epilog } = job;
  if (!down || !firstDown || firstDown.kept || freeAt === undefined) return undefined;
  if (freeAt < firstDown.at) return "late";
  const waited = tasksDoneAt !== undefined && finishAt !== undefined && firstDown.at <= finishAt;
  // After a fatal exception, the shell does not wait and an epilog keeps the nodes.
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
