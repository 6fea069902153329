/** flux-queue(1): idle waits for the running jobs to end, drain for all jobs. */
import type { Call } from "../call.js";
import { hasStarted } from "../cleanup.js";
import { dispatch } from "../dispatch.js";

async function idle({ instance, out }: Call): Promise<number> {
  await instance.jobs.untilNone(hasStarted);
  const active = [...instance.jobs.jobs.values()].filter(({ state }) => state !== "INACTIVE");
  out(`${active.length} jobs\n`);
  return 0;
}

async function drain({ instance }: Call): Promise<number> {
  await instance.jobs.untilNone(({ state }) => state !== "INACTIVE");
  return 0;
}

export const queue = dispatch("queue", { idle, drain });
