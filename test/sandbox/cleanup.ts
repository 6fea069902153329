/**
 * Ends the jobs before an instance ends, as Flux does. No further job gets resources, and jobs that
 * have resources are canceled. The function waits for these jobs without a limit, even if one is
 * held.
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
