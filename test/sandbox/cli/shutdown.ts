/**
 * flux-shutdown(1): jobs are canceled and waited for, for ever if need be, and
 * then the instance ends.
 */
import type { Call } from "../call.js";

export async function shutdown({ instance, err }: Call): Promise<number> {
  const { jobs } = instance;
  const active = [...jobs.jobs.values()].filter(({ state }) => state !== "INACTIVE");
  for (const job of active) jobs.raise(job.id, { type: "cancel", severity: 0, note: "shutdown" });
  await Promise.all(active.map((job) => jobs.until(job, "clean")));
  err("broker.info[0]: shutdown: the instance ends\n");
  setImmediate(() => {
    instance.onShutdown();
  });
  return 0;
}
