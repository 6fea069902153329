/** flux-jobs(1). */
import { decodeHostlist } from "../../../lib/flux/hostlist.js";
import { decodeIdset } from "../../../lib/flux/idset.js";
import { parseJobid } from "../../../lib/flux/jobid.js";
import type { Call } from "../call.js";
import { Refusal } from "../refusal.js";
import { formatFsd } from "../duration.js";
import { formatHeading, formatJob } from "../job-format.js";
import { recordOf, type JobRecord } from "../job-record.js";
import type { Job } from "../job.js";
import { parseOptions, type Options } from "../options.js";
import { pythonJson } from "../python-json.js";

const SPECS = [
  ..."all|a json suppress-header|n no-header format|o= filter|f= count|c= user|u= name= queue|q=".split(
    " ",
  ),
  ..."A|A recursive|R since= color? limit= level|L= sort= include|i= stats stats-only".split(" "),
];
const DEFAULT_FORMAT =
  "{id.f58:>12} {username:<8.8} {name:<10.10} {status_abbrev:>2.2} {ntasks:>6} {nnodes:>6} {time:>8} {info}";

const PENDING = ["NEW", "DEPEND", "PRIORITY", "SCHED"];

/** Sorts pending jobs first (by priority), then running and then inactive ones (newest first). */
function inOrder(jobs: Job[]): Job[] {
  const group = ({ state }: Job) => (PENDING.includes(state) ? 0 : state === "INACTIVE" ? 2 : 1);
  const latest = (job: Job) => job.times.inactive ?? job.times.run ?? 0;
  const rest = (a: Job, b: Job) =>
    group(a) === 0 ? b.priority - a.priority || Number(a.id - b.id) : latest(b) - latest(a);
  return jobs.sort((a, b) => group(a) - group(b) || rest(a, b));
}

function named(call: Call, words: string[]): Job[] {
  return words.map((word) => {
    const id = parseJobid(word);
    if (id === undefined)
      throw new Refusal(`flux-jobs: error: argument jobids: invalid JobID value: '${word}'`, 2);
    const job = call.instance.jobs.jobs.get(id);
    if (!job) throw new Refusal(`JobID ${word} unknown`);
    return job;
  });
}

function filtered(call: Call, options: Options): Job[] {
  const all = inOrder([...call.instance.jobs.jobs.values()]);
  const states = options.get("filter")?.toUpperCase().split(",");
  if (states && options.has("all"))
    call.err("flux-jobs: WARNING: Both -a and --filter specified, ignoring -a\n");
  const count = Number(options.get("count") ?? 1000);
  return all
    .filter((job) => isMeant(recordOf(call.instance, job), options))
    .filter((job) => isIn(job, call, states ?? (options.has("all") ? undefined : ["ACTIVE"])))
    .slice(0, count > 0 ? count : undefined);
}

/** Whether a job matches the filter options. The embedded Flux has no queues. */
function isMeant(record: JobRecord, options: Options): boolean {
  const [name, include] = [options.get("name"), options.get("include")];
  if (name !== undefined && record["name"] !== name) return false;
  if (options.has("queue")) return false;
  if (include === undefined) return true;
  const isRanks = /^[0-9]/.test(include);
  const field = isRanks ? record["ranks"] : record["nodelist"];
  const own = typeof field === "string" ? (isRanks ? field.replace(/[[\]]/g, "") : field) : "";
  const decode = isRanks ? decodeIdset : decodeHostlist;
  const wanted = new Set<number | string>(decode(include));
  return own !== "" && decode(own).some((each) => wanted.has(each));
}

function isIn(job: Job, call: Call, states: string[] | undefined): boolean {
  if (!states) return true;
  const record = recordOf(call.instance, job);
  const names = [job.state, String(record["result"])];
  if (PENDING.includes(job.state)) names.push("PENDING");
  if (job.state === "RUN" || job.state === "CLEANUP") names.push("RUNNING");
  if (job.state !== "INACTIVE") names.push("ACTIVE");
  return names.some((name) => states.includes(name));
}

function withColumns(record: JobRecord): JobRecord {
  const { runtime } = record;
  const time = typeof runtime === "number" ? formatFsd(runtime) : "-";
  return { ...record, time, info: record["nodelist"] ?? "" };
}

export function jobs(call: Call): number {
  const options = parseOptions(call.argv, { command: "flux-jobs", specs: SPECS });
  const words = options.rest;
  if (words.length > 0 && (options.has("all") || options.has("filter")))
    call.err("flux-jobs: WARNING: Filtering options ignored with jobid list\n");
  const chosen = words.length > 0 ? named(call, words) : filtered(call, options);
  const records = chosen.map((job) => recordOf(call.instance, job));
  if (options.has("json")) {
    const value = words.length === 1 ? records[0] : { jobs: records };
    call.out(`${pythonJson(value, { ascii: true, floats: ["duration"] })}\n`);
    return 0;
  }
  const format = options.get("format") ?? DEFAULT_FORMAT;
  if (!options.has("suppress-header") && !options.has("no-header"))
    call.out(
      options.has("format")
        ? `${formatHeading(format)}\n`
        : "       JOBID USER     NAME       ST NTASKS NNODES     TIME INFO\n",
    );
  for (const record of records) call.out(`${formatJob(format, withColumns(record))}\n`);
  return 0;
}
