/**
 * Ends the jobs before an instance ends, as Flux does: no job gets resources any more, and those
 * that have some are canceled. It waits for them, without a limit if somebody holds one.
 */
import type { Instance } from "./instance.js";
import type { Job } from "./job.js";

export const hasStarted = ({ state }: Job): boolean => state === "RUN" || state === "CLEANUP";

export async function cleanUp({ jobs }: Instance): Promise<void> {
  jobs.queue.stopped = true;
  for (const job of jobs.jobs.values())
    if (job.state === "RUN") jobs.raise(job.id, { type: "cancel", severity: 0, note: "" });
  await jobs.untilNone(hasStarted);
}
