/** flux-ping(1) of a service or of a rank's broker. */
import { constants } from "node:os";
import type { Call } from "../call.js";
import { Refusal } from "../refusal.js";
import { parseFsd } from "../duration.js";
import { userOf } from "../guests.js";
import { parseOptions } from "../options.js";

const BUILT_IN = ["broker", "job-manager", "kvs", "job-info", "resource", "rexec"];

/** Resolves to the route in the service's answer. Never resolves if no answer arrives. */
function pingService({ instance, env }: Call, service: string): Promise<string> {
  const topic = `${service}.ping`;
  const payload = JSON.stringify({ seq: 0, pad: "" });
  return new Promise((resolve, reject) => {
    instance.router.send({ topic, payload, userid: userOf(env) }, (answer) => {
      if ("errno" in answer) {
        const isThere = answer.errno !== constants.errno.ENOSYS;
        const why = isThere ? answer.error : "Function not implemented";
        reject(new Refusal(`flux-ping: ${topic}: ${why}`));
      } else resolve((JSON.parse(answer.payload ?? "{}") as { route: string }).route);
    });
  });
}

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
  const ask = () => (BUILT_IN.includes(service) ? "embedded" : pingService(call, service));
  const heading = `flux-ping ${isRank ? target : "any"}!${service}`;
  call.out(`${heading}\n`);
  for (let seq = 0; seq < count && !call.gone.aborted; seq++) {
    if (seq > 0) await new Promise((resolve) => setTimeout(resolve, intervalMs));
    const route = await ask();
    call.out(`${isRank ? target : 0}!${service}.ping pad=0 seq=${seq} time=0.200 ms (${route})\n`);
  }
  return 0;
}
