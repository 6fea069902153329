/** flux-config(1): get, reload, and builtin confdir. */
import type { Call } from "../call.js";
import { Refusal } from "../refusal.js";
import { dispatch } from "../dispatch.js";
import { parseOptions } from "../options.js";

/** Never resolves. Like Flux, the instance stops answering after a file that it cannot parse. */
const hang = (): Promise<number> => new Promise(() => undefined);

function get(call: Call): number | Promise<number> {
  const specs = ["config-path|c=", "type|t=", "quiet|q", "default|d="];
  const options = parseOptions(call.argv, { command: "flux-config", specs });
  if (options.rest.length > 1) throw new Refusal("Usage: flux config get [OPTIONS] [NAME]");
  const { configuration } = call.instance;
  if (configuration.broken) return hang();
  const [key] = options.rest;
  const value = configuration.get(key);
  const fallback = options.get("default");
  if (value === undefined && fallback === undefined) {
    if (!options.has("quiet")) call.err(`flux-config: ${key ?? ""} is not set\n`);
    return 1;
  }
  const text =
    value === undefined ? fallback : typeof value === "string" ? value : JSON.stringify(value);
  call.out(`${text ?? ""}\n`);
  return 0;
}

function reload(call: Call): number | Promise<number> {
  return call.instance.configuration.reload() ? 0 : hang();
}

function builtin(call: Call): number {
  const [name = ""] = call.argv;
  if (name !== "confdir") throw new Refusal(`flux-config: ${name} is not played here`);
  call.out("/etc/flux\n");
  return 0;
}

export const config = dispatch("config", { get, reload, builtin });
