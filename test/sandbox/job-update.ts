/**
 * Updates the duration of a job (jobspec-update, RFC 21). A job that has resources also gets a new
 * expiration. If such a job has not started yet because it is held, Flux adds a non-fatal exception
 * that can be ignored.
 */
import { kvsDirectory } from "../../lib/flux/jobid.js";
import { FluxError } from "./flux-error.js";
import type { Broker } from "./parts.js";
import { pythonJson } from "./python-json.js";

const KEY = "attributes.system.duration";
const NOT_TOLD =
  "failed to send expiration update to exec system: job termination may not coincide with expiration";

export function updateJob(
  { jobs, kvs }: Broker,
  id: bigint,
  updates: Record<string, unknown>,
): void {
  const job = jobs.jobs.get(id);
  if (!job) throw new FluxError("ENOENT", "unknown job id");
  if (job.state === "INACTIVE") throw new FluxError("EINVAL", "job is inactive");
  const other = Object.keys(updates).find((key) => key !== KEY);
  if (other) throw new FluxError("EINVAL", `update of ${other} not supported`);
  const duration = updates[KEY];
  if (typeof duration !== "number") throw new FluxError("EINVAL", "plugin args unpack failed");
  job.jobspec.attributes.system.duration = duration;
  kvs.put(`${kvsDirectory(id)}.jobspec`, pythonJson(job.jobspec));
  jobs.post(job, "jobspec-update", { [KEY]: duration });
  const starttime = job.times.run;
  if (job.state !== "RUN" || starttime === undefined) return;
  job.expiration = duration > 0 ? starttime + duration : 0;
  jobs.post(job, "resource-update", { expiration: job.expiration });
  if (!job.startPending) jobs.post(job, "exception", { type: "exec", severity: 1, note: NOT_TOLD });
}
