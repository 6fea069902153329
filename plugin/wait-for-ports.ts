/**
 * Waits for ports and subnets that another cluster still has. The job waits in any case, and that
 * cluster will be removed. If a wait cannot help, the job is refused immediately.
 *
 * Promises: a job that is over when the wait ends gets no ports; the wait is bounded.
 */
import { isOver } from "../lib/cluster/state.js";
import { formatFsd } from "../lib/flux/fsd.js";
import type { Refused, Taken } from "./claim.js";
import type { Job } from "./job.js";

/** `flux usernetes down` does not notify the daemon. */
const LOOK_MS = 5_000;

/**
 * Returns the result of `take`, which gets the result of `look`, when ports and subnets are free.
 * Returns undefined if the job no longer needs them. `until`: the end of the wait, in seconds since
 * the epoch.
 */
export async function waitForPorts<T>(
  job: Job,
  until: number,
  { look, take }: { look: () => Promise<T>; take: (seen: T) => Taken | Refused },
): Promise<Taken | Refused | undefined> {
  const { cluster, world } = job;
  const from = world.clock.now();
  let reported = "";
  for (;;) {
    const seen = await look();
    if (isOver(cluster) || cluster.settle || job.leaving.signal.aborted) return undefined;
    const taken = take(seen);
    if (!("refused" in taken) || taken.passes !== true) return taken;
    const now = world.clock.now();
    if (now >= until)
      return { refused: `${taken.refused}; waited ${formatFsd((now - from) * 1000)} for them` };
    if (reported !== taken.refused) {
      reported = taken.refused;
      job.say("info", `waiting: ${reported}`);
      showWaiting(job, reported);
    }
    await nextChange(job, Math.min(LOOK_MS, (until - now) * 1000));
  }
}

/** Posts a memo with the reason to wait, for `flux usernetes status`. Best effort. */
export function showWaiting({ cluster, world }: Job, reason: string): void {
  const waiting = { usernetes: { state: "waiting", reason } };
  world.flux.memo(cluster.jobid, waiting).catch(() => undefined);
}

/** Resolves when the open clusters change, or after `ms` milliseconds. */
export function nextChange({ world }: Job, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      stopWatching();
      cancel();
      resolve();
    };
    const stopWatching = world.open.onChange(end);
    const cancel = world.clock.after(ms, end);
  });
}
