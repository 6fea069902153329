/** `flux job attach` prints a job's output and its result, `flux job status` only the result. */
import { f58 } from "../../../lib/flux/jobid.js";
import type { Call } from "../call.js";
import { Refusal } from "../refusal.js";
import type { Entry } from "../eventlog.js";
import { jobArgument } from "../job-argument.js";
import type { Job } from "../job.js";
import { parseOptions } from "../options.js";
import { describeSignal } from "../signals.js";

export interface Attachment {
  labelled: boolean;
  quiet?: boolean;
}

function exceptionText(job: Job, { timestamp, context }: Entry): string {
  const elapsed = (timestamp - (job.entries[0]?.timestamp ?? timestamp)).toFixed(3);
  const { type, severity, note } = context as Record<"type" | "severity" | "note", string | number>;
  return `${elapsed}s: job.exception ${f58(job.id)} type=${type} severity=${severity} ${note}\n`;
}

/** Returns the exit status of a job that has ended, and the message about it. */
function ending(job: Job): { status: number; text?: string } {
  if (job.waitstatus === undefined) return { status: 1 };
  const status = job.waitstatus >> 8;
  if (status === 0) return { status };
  const text = status > 128 ? describeSignal(status - 128) : `exited with exit code ${status}`;
  return { status, text };
}

/** Prints the job's output until the job has ended. Resolves to its exit status. */
export async function attachTo(call: Call, job: Job, { labelled }: Attachment): Promise<number> {
  const { jobs } = call.instance;
  const output = job.output.follow(({ stream, rank, data }) => {
    const text = labelled && rank >= 0 ? `${rank}: ${data}` : data;
    if (stream === "stdout") call.out(text);
    else call.err(text);
  });
  const show = (entry: Entry) => {
    if (entry.name === "exception") call.err(exceptionText(job, entry));
  };
  job.entries.forEach(show);
  const off = jobs.onEvent((subject, entry) => {
    if (subject === job) show(entry);
  });
  call.gone.addEventListener("abort", () => {
    off();
    output.stop();
  });
  await jobs.until(job, "finish");
  await output.done;
  off();
  output.stop();
  const { status, text } = ending(job);
  if (text !== undefined) call.err(`flux-job: task(s) ${text}\n`);
  return status;
}

export async function attach(call: Call): Promise<number> {
  const options = parseOptions(call.argv, {
    command: "flux-job",
    specs: [
      "label-io|l",
      "show-events|E",
      "show-exec|X",
      "wait-event|w=",
      "read-only|r",
      "unbuffered|u",
      "quiet|q",
      "show-status",
      "tail?",
    ],
  });
  const [word = ""] = options.rest;
  const job = jobArgument(call, word, `Failed to attach to ${word}: No such job`);
  return attachTo(call, job, { labelled: options.has("label-io") });
}

export async function status(call: Call): Promise<number> {
  const options = parseOptions(call.argv, {
    command: "flux-job",
    specs: ["verbose|v", "exception-exit-code|e=", "json|j"],
  });
  let worst = 0;
  for (const word of options.rest) {
    const job = jobArgument(call, word, `${word}: No such job`);
    await call.instance.jobs.until(job, "clean");
    const { status: code, text } = ending(job);
    if (options.has("verbose") && text) call.err(`flux-job: ${word}: ${text}\n`);
    worst = Math.max(worst, code);
  }
  if (options.rest.length === 0) throw new Refusal("flux-job: At least one jobid is required");
  return worst;
}
