/** flux-hostlist(1): prints the hosts of the instance, the hosts of a job, or the online hosts. */
import { decodeHostlist, encodeHostlist } from "../../../lib/flux/hostlist.js";
import { parseJobid } from "../../../lib/flux/jobid.js";
import type { Call } from "../call.js";
import { Refusal } from "../refusal.js";
import { parseOptions } from "../options.js";

function hostsOf(call: Call, source: string): string[] {
  const { instance } = call;
  if (source === "local" || source === "instance") return instance.hostnames;
  if (source === "avail")
    return instance.hostnames.filter((_, rank) => !instance.resources.unusable(rank));
  const id = parseJobid(source);
  const job = id === undefined ? undefined : instance.jobs.jobs.get(id);
  if (!job) throw new Refusal(`flux-hostlist: ERROR: Invalid jobid or hostlist ${source}`);
  return [...(job.allocation?.cores.keys() ?? [])].map((rank) => instance.host(rank).name);
}

export function hostlist(call: Call): number {
  const options = parseOptions(call.argv, {
    command: "flux-hostlist",
    specs: [
      ...["expand|e", "nth|n=", "count|c", "delimiter|d=", "quiet|q", "unique|u", "exclude|x="],
    ],
  });
  const without = decodeHostlist(options.get("exclude") ?? "");
  const all = options.rest.flatMap((source) => hostsOf(call, source));
  const hosts = all.filter((host) => !without.includes(host));
  const nth = options.get("nth");
  if (nth !== undefined) call.out(`${hosts.at(Number(nth)) ?? ""}\n`);
  else if (options.has("count")) call.out(`${hosts.length}\n`);
  else if (options.has("expand")) call.out(`${hosts.join(options.get("delimiter") ?? " ")}\n`);
  else if (hosts.length > 0) call.out(`${encodeHostlist(hosts)}\n`);
  return 0;
}
