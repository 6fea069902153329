/** flux-run(1): submits a job and attaches to it. */
import type { Call } from "../call.js";
import { Refusal } from "../refusal.js";
import { attachTo } from "./job-attach.js";
import { submitJob, submitOptions } from "./submit.js";

export async function run(call: Call): Promise<number> {
  const options = submitOptions(call, "run");
  const argv = options.rest;
  if (argv.length === 0)
    throw new Refusal("flux-run: ERROR: job command and arguments are missing");
  const job = submitJob(call, { command: "run", options, argv, cwd: call.cwd });
  const { jobs } = call.instance;
  call.onSignal(() => {
    if (job.state !== "INACTIVE")
      jobs.raise(job.id, { type: "cancel", severity: 0, note: "interrupted by ctrl-C" });
  });
  return attachTo(call, job, { labelled: options.has("label-io") });
}
