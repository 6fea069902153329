/**
 * Posts the finish of the daemon's prolog or epilog once: Flux would count a second one against
 * another prolog or epilog. If an earlier try got no answer, the job's eventlog is read first,
 * because it may already have the finish.
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

/** Reads the job's eventlog. Returns no lines if the job is no longer in the KVS. */
export async function readEventlog(
  jobid: bigint,
  flux: Pick<Flux, "lookup">,
): Promise<{ events: JobEvent[]; lines: string[] }> {
  const text = (await flux.lookup(`${kvsDirectory(jobid)}.eventlog`)) ?? "";
  return { events: parseEventlog<JobEvent>(text), lines: text.split("\n").slice(0, -1) };
}
