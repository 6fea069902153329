/** flux-submit(1), and the code that run and batch share with it. */
import { decodeIdset } from "../../../lib/flux/idset.js";
import { f58 } from "../../../lib/flux/jobid.js";
import type { Call } from "../call.js";
import { Refusal } from "../refusal.js";
import { userOf } from "../guests.js";
import type { Job } from "../job.js";
import { makeJobspec, SUBMIT_OPTIONS, type JobRequest } from "../jobspec.js";
import { parseOptions, type Options } from "../options.js";
import { validate, withPluginOptions } from "../plugins.js";
import { isUtf8 } from "./job-id.js";

const URGENCIES: Record<string, number> = { hold: 0, default: 16, expedite: 31 };

/** Returns a job's environment: the submitter's, changed by --env=KEY=VALUE and --env=-KEY. */
function jobEnvironment(call: Call, options: Options): Record<string, string> {
  let env = { ...call.env };
  for (const rule of options.all("env")) {
    const equals = rule.indexOf("=");
    if (rule === "-*") env = {};
    else if (rule.startsWith("-")) Reflect.deleteProperty(env, rule.slice(1));
    else if (equals > 0) env[rule.slice(0, equals)] = rule.slice(equals + 1);
    else if (call.env[rule] !== undefined) env[rule] = call.env[rule];
  }
  return env;
}

export function submitOptions(call: Call, command: string): Options {
  return parseOptions(call.argv, {
    command: `flux-${command}`,
    specs: SUBMIT_OPTIONS,
    stopAtOperand: true,
  });
}

export function submitJob(call: Call, request: JobRequest): Job {
  const { options, command } = request;
  const jobspec = withPluginOptions(call, request, makeJobspec(request));
  validate(call, command, jobspec);
  const urgency = options.get("urgency") ?? "default";
  return call.instance.jobs.submit({
    jobspec,
    env: jobEnvironment(call, options),
    urgency: URGENCIES[urgency.toLowerCase()] ?? Number(urgency),
    rank: call.rank,
    userid: userOf(call.env),
  });
}

export function printId(call: Call, job: Job): string {
  return isUtf8(call.env) ? f58(job.id) : f58(job.id).replace("ƒ", "f");
}

export async function submit(call: Call): Promise<number> {
  const options = submitOptions(call, "submit");
  const argv = options.rest;
  if (argv.length === 0)
    throw new Refusal("flux-submit: ERROR: job command and arguments are missing");
  const copies = options.get("cc");
  const count = copies === undefined ? 1 : decodeIdset(copies).length;
  const submitted: Job[] = [];
  for (let i = 0; i < count; i++) {
    const job = submitJob(call, { command: "submit", options, argv, cwd: call.cwd });
    submitted.push(job);
    if (!options.has("quiet")) call.out(`${printId(call, job)}\n`);
  }
  if (!options.has("wait")) return 0;
  await Promise.all(submitted.map((job) => call.instance.jobs.until(job, "clean")));
  return Math.max(
    ...submitted.map((job) => (job.waitstatus === undefined ? 1 : job.waitstatus >> 8)),
  );
}
