/** flux-post-job-event(1). */
import { parseJobid } from "../../../lib/flux/jobid.js";
import type { Call } from "../call.js";
import { Refusal } from "../refusal.js";
import { attributeValue } from "../jobspec.js";

export function postJobEvent(call: Call): number {
  const [word = "", name = "", ...pairs] = call.argv;
  const id = parseJobid(word);
  const job = id === undefined ? undefined : call.instance.jobs.jobs.get(id);
  const context: Record<string, unknown> = {};
  for (const pair of pairs) {
    const equals = pair.indexOf("=");
    if (equals < 0)
      throw new Refusal(`flux-job-post-event: ERROR: Missing required value for key ${pair}`);
    context[pair.slice(0, equals)] = attributeValue(pair.slice(equals + 1));
  }
  if (!job || job.state === "INACTIVE")
    throw new Refusal(`flux-job-post-event: ERROR: No such job ${word}`);
  call.instance.jobs.post(job, name, pairs.length > 0 ? context : undefined);
  return 0;
}
