/**
 * Posts the finish of the daemon's prolog or epilog, once only: Flux would count a
 * second one against another's. Where it is tried again, since no answer came,
 * the job's eventlog is read first: it may have the finish although no event has reported it.
 */
import { foldJobEvent, type JobEvent } from "../lib/cluster/fold.js";
import { newCluster } from "../lib/cluster/state.js";
import { kvsDirectory } from "../lib/flux/jobid.js";
import { parseEventlog } from "../lib/record/events.js";
import type { Job } from "./job.js";
import type { Flux } from "./world.js";

export async function releaseHold(
  { cluster, world }: Job,
  log: "prolog" | "epilog",
  { status, again }: { status: number; again: boolean },
): Promise<void> {
  const { jobid } = cluster;
  if (again) {
    const now = newCluster(cluster);
    for (const event of (await readEventlog(jobid, world.flux)).events) foldJobEvent(now, event);
    if (now.job[log] === "finished") return;
  }
  await world.flux.post(jobid, `${log}-finish`, { description: "usernetes", status });
}

/** The job's eventlog so far; no line at all where the job is not in the KVS any more. */
export async function readEventlog(
  jobid: bigint,
  flux: Pick<Flux, "lookup">,
): Promise<{ events: JobEvent[]; lines: string[] }> {
  const text = (await flux.lookup(`${kvsDirectory(jobid)}.eventlog`)) ?? "";
  return { events: parseEventlog<JobEvent>(text), lines: text.split("\n").slice(0, -1) };
}
