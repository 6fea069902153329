/** flux-batch(1): submits a script, with its #FLUX: lines, as an instance's initial program. */
import { readFileSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { parse } from "smol-toml";
import { readStdin, type Call } from "../call.js";
import { Refusal } from "../refusal.js";
import { parseOptions } from "../options.js";
import { SUBMIT_OPTIONS } from "../jobspec.js";
import { printId, submitJob, submitOptions } from "./submit.js";

/** Returns the options in lines such as `#FLUX: -N2`. Quotes are honoured. */
function directives(script: string): string[] {
  const words: string[] = [];
  for (const line of script.split("\n")) {
    const match = /^#\s*(?:flux|FLUX):\s*(.*)$/.exec(line);
    for (const word of match?.[1]?.match(/(?:[^\s"']+|"[^"]*"|'[^']*')+/g) ?? [])
      words.push(word.replace(/"([^"]*)"|'([^']*)'/g, "$1$2"));
  }
  return words;
}

function readFile(call: Call, path: string): string {
  const file = call.host.toProcess(isAbsolute(path) ? path : join(call.cwd, path));
  return readFileSync(file, "utf8");
}

/** Reads the configuration of the job's own instance from --conf=FILE. */
function readConfiguration(call: Call, path: string): Record<string, unknown> {
  if (!path.endsWith(".toml"))
    throw new Refusal(`flux-batch: --conf=${path}: not played by the embedded Flux`);
  return parse(call.host.fromProcess(readFile(call, path)));
}

async function readScript(call: Call, path: string | undefined): Promise<string> {
  if (path === undefined) return readStdin(call);
  try {
    return readFile(call, path);
  } catch {
    throw new Refusal(
      `flux-batch: ERROR: Failed to open batch script: [Errno 2] No such file or directory: '${path}'`,
    );
  }
}

export async function batch(call: Call): Promise<number> {
  const first = submitOptions(call, "batch");
  const [path, ...args] = first.rest;
  const wrap = first.has("wrap");
  const text = wrap ? `#!/bin/sh\n${first.rest.join(" ")}\n` : await readScript(call, path);
  if (!text.startsWith("#!"))
    throw new Refusal(`flux-batch: ERROR: ${path ?? "stdin"} does not appear to start with '#!'`);
  // Options of the command line come last and take precedence.
  const options = parseOptions([...directives(text), ...call.argv], {
    command: "flux-batch",
    specs: SUBMIT_OPTIONS,
    stopAtOperand: true,
  });
  if (!options.has("nodes") && !options.has("nslots") && !options.has("ntasks"))
    throw new Refusal("flux-batch: ERROR: Number of slots or nodes to allocate must be specified");
  const slots = options.get("nslots");
  if (slots !== undefined) options.add("ntasks", slots);
  const conf = options.get("conf");
  const configuration = conf === undefined ? {} : { configuration: readConfiguration(call, conf) };
  const job = submitJob(call, {
    command: "batch",
    options,
    argv: ["flux", "broker", "{{tmpdir}}/script", ...args],
    cwd: call.cwd,
    script: { name: path ?? "batchscript", text, ...configuration },
  });
  call.out(`${printId(call, job)}\n`);
  return 0;
}
