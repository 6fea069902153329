/** flux-update(1): changes the duration of a job. */
import { parseJobid } from "../../../lib/flux/jobid.js";
import type { Call } from "../call.js";
import { Refusal } from "../refusal.js";
import { parseFsd } from "../duration.js";
import { parseOptions } from "../options.js";

export function update(call: Call): number {
  const options = parseOptions(call.argv, {
    command: "flux-update",
    specs: ["dry-run|n", "verbose|v"],
  });
  const [word = "", ...pairs] = options.rest;
  const id = parseJobid(word);
  const job = id === undefined ? undefined : call.instance.jobs.jobs.get(id);
  if (!job) throw new Refusal("flux-update: ERROR: unknown job id");
  for (const pair of pairs) {
    const [, sign, text] = /^(?:attributes\.system\.)?duration=([+-]?)(.+)$/.exec(pair) ?? [];
    const seconds = parseFsd(text ?? "");
    if (seconds === undefined)
      throw new Refusal(`flux-update: ERROR: update of ${pair} is not played by the embedded Flux`);
    const old = job.jobspec.attributes.system.duration;
    const duration = sign === "+" ? old + seconds : sign === "-" ? old - seconds : seconds;
    try {
      call.instance.jobs.update(job.id, { "attributes.system.duration": duration });
    } catch (error) {
      throw new Refusal(`flux-update: ERROR: ${(error as Error).message}`);
    }
  }
  return 0;
}
