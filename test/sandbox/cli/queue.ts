/** flux-queue(1): idle and drain, which wait for the jobs that there are. */
import type { Call } from "../call.js";
import { dispatch } from "../dispatch.js";
import type { Job } from "../job.js";

/** Resolves when no job is in one of the states any more. */
function settled(call: Call, still: (job: Job) => boolean): Promise<void> {
  const { jobs } = call.instance;
  return new Promise((resolve) => {
    const look = () => {
      if (![...jobs.jobs.values()].some(still)) {
        off();
        resolve();
      }
    };
    const off = jobs.onEvent(look);
    look();
  });
}

async function idle(call: Call): Promise<number> {
  await settled(call, ({ state }) => state === "RUN" || state === "CLEANUP");
  const active = [...call.instance.jobs.jobs.values()].filter(({ state }) => state !== "INACTIVE");
  call.out(`${active.length} jobs\n`);
  return 0;
}

async function drain(call: Call): Promise<number> {
  await settled(call, ({ state }) => state !== "INACTIVE");
  return 0;
}

export const queue = dispatch("queue", { idle, drain });
