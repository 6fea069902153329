/** flux-dmesg(1) and flux-logger(1). */
import type { Call } from "../call.js";
import { Refusal } from "../refusal.js";
import { SEVERITIES } from "../dmesg.js";
import { parseOptions } from "../options.js";

export async function dmesg(call: Call): Promise<number> {
  const specs = [
    "clear|C",
    "read-clear|c",
    "follow|f",
    "human|H",
    "delta|d",
    "color|L?",
    "new|n",
    "stderr-level=",
  ];
  const options = parseOptions(call.argv, { command: "flux-dmesg", specs });
  const { log } = call.instance;
  if (!options.has("clear") && !options.has("new"))
    for (const line of log.lines) call.out(`${line}\n`);
  if (options.has("clear") || options.has("read-clear")) log.clear();
  if (!options.has("follow")) return 0;
  const stop = log.follow((line) => {
    call.out(`${line}\n`);
  });
  await new Promise((resolve) => {
    call.gone.addEventListener("abort", resolve);
  });
  stop();
  return 0;
}

export function logger(call: Call): number {
  const options = parseOptions(call.argv, {
    command: "flux-logger",
    specs: ["severity|s=", "appname|n="],
  });
  const severity = options.get("severity") ?? "notice";
  if (!SEVERITIES.includes(severity))
    throw new Refusal(`flux-logger: invalid severity ${severity}`);
  const text = options.rest.join(" ");
  call.instance.log.add(options.get("appname") ?? "logger", severity, { rank: call.rank, text });
  return 0;
}
