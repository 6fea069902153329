/** flux-ping(1) of a service or of a rank's broker. */
import { Refusal, type Call } from "../call.js";
import { parseFsd } from "../duration.js";
import { parseOptions } from "../options.js";

const BUILT_IN = ["broker", "job-manager", "kvs", "job-info", "resource", "rexec"];

export async function ping(call: Call): Promise<number> {
  const options = parseOptions(call.argv, {
    command: "flux-ping",
    specs: ["rank|r=", "count|c=", "interval|i=", "pad|p=", "batch|b", "userid|u"],
  });
  const [target = ""] = options.rest;
  const count = Number(options.get("count") ?? Infinity);
  const intervalMs = (parseFsd(options.get("interval") ?? "1") ?? 1) * 1000;
  const isRank = /^[0-9]+$/.test(target);
  const service = isRank ? "broker" : target;
  const answer = () =>
    BUILT_IN.includes(service) ? "embedded" : call.instance.services.get(service)?.ping();
  const heading = `flux-ping ${isRank ? target : "any"}!${service}`;
  call.out(`${heading}\n`);
  for (let seq = 0; seq < count && !call.gone.aborted; seq++) {
    if (seq > 0) await new Promise((resolve) => setTimeout(resolve, intervalMs));
    const route = answer();
    if (route === undefined)
      throw new Refusal(`flux-ping: ${service}.ping: Function not implemented`);
    call.out(`${isRank ? target : 0}!${service}.ping pad=0 seq=${seq} time=0.200 ms (${route})\n`);
  }
  return 0;
}
