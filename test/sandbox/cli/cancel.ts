/** flux-cancel(1). */
import { f58, parseJobid } from "../../../lib/flux/jobid.js";
import type { Call } from "../call.js";
import { Refusal } from "../refusal.js";
import { refuseOthers, userOf } from "../guests.js";
import { parseOptions } from "../options.js";

export function cancel(call: Call): number {
  const options = parseOptions(call.argv, {
    command: "flux-cancel",
    specs: ["all|a", "user|u=", "states|S=", "message|m=", "quiet|q", "dry-run|n"],
  });
  const { jobs } = call.instance;
  const exception = { type: "cancel", severity: 0, note: options.get("message") ?? "" };
  if (options.has("all")) {
    const active = [...jobs.jobs.values()].filter(({ state }) => state !== "INACTIVE");
    for (const job of active) jobs.raise(job.id, exception);
    if (!options.has("quiet")) call.err(`flux-cancel: Canceled ${active.length} jobs (0 errors)\n`);
    return 0;
  }
  for (const word of options.rest) {
    const id = parseJobid(word);
    const job = id === undefined ? undefined : jobs.jobs.get(id);
    if (id === undefined) throw new Refusal(`flux-cancel: ERROR: invalid jobid "${word}"`);
    if (!job) throw new Refusal(`flux-cancel: ERROR: ${f58(id)}: unknown job id`);
    const words = `flux-cancel: ERROR: ${f58(id)}: guests can only raise exceptions on their own jobs`;
    refuseOthers(call, job, words);
    if (job.state !== "INACTIVE") jobs.raise(id, { ...exception, userid: userOf(call.env) });
  }
  return 0;
}
