/**
 * Creates a jobspec (RFC 14) from the options of flux-submit(1), flux-run(1) and flux-batch(1). As
 * in Flux, --setattr without a value sets 1, a JSON value is parsed, and any other value is a
 * string.
 */
import { readFileSync } from "node:fs";
import { Refusal } from "./refusal.js";
import { parseFsd } from "./duration.js";
import type { Options } from "./options.js";
import { CORES, type ResourceRequest } from "./scheduler.js";

export interface Jobspec {
  resources: unknown[];
  tasks: { command: string[]; slot: string; count: Record<string, number> }[];
  attributes: {
    system: Record<string, unknown> & { duration: number; cwd: string };
    user?: Record<string, unknown>;
  };
  version: 1;
}

export const SUBMIT_OPTIONS = [
  ..."nodes|N= nslots ntasks|n= cores-per-task|c= time-limit|t= setattr|S= wait job-name=".split(
    " ",
  ),
  ..."output= error= env= cc= urgency= label-io|l unbuffered|u exclusive|x wrap cwd= quiet".split(
    " ",
  ),
  ..."input= dependency= queue|q= bank|B= setopt|o= flags= verbose|v watch progress conf= add-file=".split(
    " ",
  ),
  // The options of this package's CLI plugin.
  ...["usernetes", "usernetes-options="],
];

export interface JobRequest {
  command: string;
  options: Options;
  argv: string[];
  cwd: string;
  /** The script of flux batch, which runs in an instance on the job's nodes. */
  script?: { name: string; text: string; configuration?: Record<string, unknown> };
}

const count = (request: JobRequest, name: string): number | undefined => {
  const text = request.options.get(name);
  if (text === undefined) return undefined;
  if (/^[1-9][0-9]*$/.test(text)) return Number(text);
  throw new Refusal(
    `flux-${request.command}: error: argument --${name}: invalid int value: '${text}'`,
    2,
  );
};

/** Returns the seconds of -t, which are given in minutes or as an FSD. */
function duration(request: JobRequest): number {
  const text = request.options.get("time-limit");
  if (text === undefined) return 0;
  const seconds = /^[0-9.]+$/.test(text) ? Number(text) * 60 : parseFsd(text);
  if (seconds !== undefined) return seconds;
  throw new Refusal(`flux-${request.command}: ERROR: invalid Flux standard duration`);
}

export function resourceRequest(request: JobRequest): ResourceRequest {
  const nodes = count(request, "nodes");
  const tasks = count(request, "ntasks");
  const coresPerSlot = count(request, "cores-per-task") ?? 1;
  const shared = nodes !== undefined && tasks !== undefined && !request.options.has("exclusive");
  if (nodes === undefined) return { shared: true, slots: tasks ?? 1, coresPerSlot };
  if (tasks !== undefined && tasks < nodes)
    throw new Refusal(
      `flux-${request.command}: ERROR: node count must not be greater than task count`,
    );
  return { nodes, shared, slots: Math.ceil((tasks ?? nodes) / nodes), coresPerSlot };
}

function resources({ nodes, shared, slots, coresPerSlot }: ResourceRequest): unknown[] {
  const slot = {
    type: "slot",
    count: slots,
    with: [{ type: "core", count: coresPerSlot }],
    label: "task",
  };
  if (nodes === undefined) return [slot];
  return [{ type: "node", count: nodes, ...(shared ? {} : { exclusive: true }), with: [slot] }];
}

/** Sets `a.b.c` in an object. Refuses a path through a value that is not an object. */
function setPath(object: Record<string, unknown>, path: string[], value: unknown): void {
  let here = object;
  for (const name of path.slice(0, -1)) {
    const next: unknown = here[name] ?? (here[name] = {});
    if (typeof next !== "object" || next === null) {
      const kind = typeof next === "string" ? "str" : typeof next === "number" ? "int" : "bool";
      throw new Error(`'${kind}' object does not support item assignment`);
    }
    here = next as Record<string, unknown>;
  }
  here[path.at(-1) ?? ""] = value;
}

export function attributeValue(text: string | undefined): unknown {
  if (text === undefined) return 1;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

function setAttribute(jobspec: Jobspec, command: string, text: string): void {
  const equals = text.indexOf("=");
  let key = equals < 0 ? text : text.slice(0, equals);
  const raw = equals < 0 ? undefined : text.slice(equals + 1);
  let value: unknown;
  if (key.startsWith("^")) {
    key = key.slice(1);
    try {
      value = JSON.parse(readFileSync(raw ?? "", "utf8")) as unknown;
    } catch {
      throw new Refusal(
        `flux-${command}: ERROR: --setattr: ${raw ?? ""}: Expecting value: line 1 column 1 (char 0)`,
      );
    }
  } else value = attributeValue(raw);
  const path = key.replace(/^\./, "").split(".");
  if (path[0] === "attributes") path.shift();
  else if (path[0] !== "user" && path[0] !== "system" && !key.startsWith("."))
    path.unshift("system");
  try {
    setPath(jobspec.attributes, path, value);
  } catch (error) {
    const reason = (error as Error).message;
    throw new Refusal(`flux-${command}: ERROR: failed to set ${key} to ${raw ?? "1"}: ${reason}`);
  }
}

export function makeJobspec(request: JobRequest): Jobspec {
  const { options, script, cwd } = request;
  const system: Jobspec["attributes"]["system"] = {
    duration: duration(request),
    cwd: options.get("cwd") ?? cwd,
  };
  const name = options.get("job-name") ?? script?.name;
  if (name !== undefined) system["job"] = { name };
  const output = options.get("output") ?? (script ? "flux-{{id}}.out" : undefined);
  system["shell"] = {
    options: {
      ...(output ? { output: { stdout: { type: "file", path: output } } } : {}),
      ...(script ? { "per-resource": { type: "node" } } : {}),
    },
  };
  if (script) system["files"] = filesOf(script);
  const jobspec: Jobspec = {
    resources: resources(resourceRequest(request)),
    tasks: [{ command: request.argv, slot: "task", count: { per_slot: 1 } }],
    attributes: { system },
    version: 1,
  };
  for (const text of options.all("setattr")) setAttribute(jobspec, request.command, text);
  return jobspec;
}

function filesOf({ text, configuration }: NonNullable<JobRequest["script"]>) {
  return {
    script: { mode: 33216, data: text, encoding: "utf-8" },
    ...(configuration && { "conf.json": { mode: 33152, data: configuration } }),
  };
}

/** Returns the configuration of a batch job's own instance. */
export function batchConfiguration({ attributes }: Jobspec): Record<string, unknown> {
  const files = attributes.system["files"] as
    { "conf.json"?: { data: Record<string, unknown> } } | undefined;
  return files?.["conf.json"]?.data ?? {};
}

/** Returns the script of a batch job, or undefined for any other job. */
export function batchScript(jobspec: Jobspec): string | undefined {
  const files = jobspec.attributes.system["files"] as { script?: { data: string } } | undefined;
  return jobspec.tasks[0]?.command[1] === "broker" ? files?.script?.data : undefined;
}

/** Returns the shell options that the command line has set, with -o or otherwise. */
export function shellOptions(jobspec: Jobspec): Record<string, unknown> {
  const shell = jobspec.attributes.system["shell"] as { options?: object } | undefined;
  return { ...shell?.options };
}

/** Returns the path of the job's output file, or undefined for the KVS. */
export function outputPath(jobspec: Jobspec): string | undefined {
  const { output } = shellOptions(jobspec) as { output?: { stdout?: { path?: string } } };
  const path = output?.stdout?.path;
  return path === "kvs" ? undefined : path;
}

export function jobName(jobspec: Jobspec): string {
  const job = jobspec.attributes.system["job"] as { name?: string } | undefined;
  return job?.name ?? (jobspec.tasks[0]?.command[0] ?? "").replace(/^.*\//, "");
}

/** Reconstructs the resource request from the jobspec's resources. */
export function requestOf(jobspec: Jobspec): ResourceRequest {
  interface Vertex {
    type: string;
    count: number;
    exclusive?: boolean;
    with?: Vertex[];
  }
  const top = jobspec.resources[0] as Vertex;
  const slot = top.type === "node" ? top.with?.[0] : top;
  const coresPerSlot = slot?.with?.[0]?.count ?? 1;
  const base = { slots: slot?.count ?? 1, coresPerSlot };
  if (top.type !== "node") return { ...base, shared: true };
  const shared = top.exclusive !== true;
  // A whole node may have fewer cores than a slot asks for: Flux runs one task there.
  const cores = shared ? coresPerSlot : Math.min(coresPerSlot, CORES);
  return { ...base, coresPerSlot: cores, nodes: top.count, shared };
}
