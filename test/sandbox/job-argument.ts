/** The job that an argument of flux-job(1) names. */
import { parseJobid } from "../../lib/flux/jobid.js";
import type { Call } from "./call.js";
import { Refusal } from "./refusal.js";
import type { Job } from "./job.js";

export function jobidArgument(text: string): bigint {
  const id = parseJobid(text);
  if (id === undefined) throw new Refusal(`flux-job: error parsing jobid: "${text}"`);
  return id;
}

/** Returns the job. `unknown` is the error message if the job does not exist. */
export function jobArgument(call: Call, text: string, unknown: string): Job {
  const job = call.instance.jobs.jobs.get(jobidArgument(text));
  if (!job) throw new Refusal(`flux-job: ${unknown}`);
  return job;
}
