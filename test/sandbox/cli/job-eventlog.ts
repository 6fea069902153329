/** `flux job info`, `eventlog` and `wait-event`, which read the event logs of a job. */
import { kvsDirectory } from "../../../lib/flux/jobid.js";
import type { Call } from "../call.js";
import { Refusal } from "../refusal.js";
import { parseFsd } from "../duration.js";
import { decodeEventlog, encodeEntry, formatEntry, type Entry } from "../eventlog.js";
import { refuseOthers } from "../guests.js";
import { jobArgument, jobidArgument } from "../job-argument.js";
import { parseOptions, type Options } from "../options.js";

const RESTRICTED = "flux-job: access is restricted to job/instance owner";

export function info(call: Call): number {
  const options = parseOptions(call.argv, { command: "flux-job", specs: ["original|o", "base|b"] });
  const [word = "", key = ""] = options.rest;
  const id = jobidArgument(word);
  const { kvs, jobs } = call.instance;
  const text = kvs.get(`${kvsDirectory(id)}.${key}`);
  refuseOthers(call, jobs.jobs.get(id), RESTRICTED);
  if (!jobs.jobs.has(id)) throw new Refusal("flux-job: invalid job id");
  if (text === undefined) throw new Refusal(`flux-job: ${key}: key not found`);
  call.out(`${text}\n`);
  return 0;
}

function printer(options: Options): (entry: Entry) => string {
  if (options.get("format") === "json") return encodeEntry;
  return (entry) => `${formatEntry(entry)}\n`;
}

/** Whether this entry is the last one of a job's log. */
const isOver = (entry: Entry): boolean => entry.name === "clean";

export async function eventlog(call: Call): Promise<number> {
  const options = parseOptions(call.argv, {
    command: "flux-job",
    specs: ["format|f=", "time-format|T=", "path|p=", "follow|F", "human|H", "color|L?"],
  });
  const [word = ""] = options.rest;
  const path = options.get("path") ?? "eventlog";
  const id = jobidArgument(word);
  const key = `${kvsDirectory(id)}.${path}`;
  const { kvs } = call.instance;
  refuseOthers(call, call.instance.jobs.jobs.get(id), RESTRICTED);
  const print = printer(options);
  if (options.has("follow")) {
    // Flux always crashes with SIGSEGV here.
    if (path !== "eventlog") return 139;
    await follow(call, key, (entry) => {
      call.out(print(entry));
      return isOver(entry);
    });
    return 0;
  }
  const text = kvs.get(key);
  if (text === undefined) {
    const unknown = call.instance.jobs.jobs.has(id)
      ? `eventlog path ${path} not found`
      : `job ${word} not found`;
    throw new Refusal(`flux-job: ${unknown}`);
  }
  for (const entry of decodeEventlog(text)) call.out(print(entry));
  return 0;
}

/** Calls `see` with each entry, past and future, until it returns true. */
function follow(call: Call, key: string, see: (entry: Entry) => boolean): Promise<void> {
  const { kvs } = call.instance;
  return new Promise((resolve) => {
    let seen = 0;
    const look = () => {
      const text = kvs.get(key) ?? "";
      const entries = decodeEventlog(text.slice(seen));
      seen = text.length;
      if (!entries.some(see)) return;
      off();
      resolve();
    };
    const off = kvs.watch(key, look);
    call.gone.addEventListener("abort", () => {
      off();
      resolve();
    });
    look();
  });
}

function matches(entry: Entry, pair: string | undefined): boolean {
  if (pair === undefined) return true;
  const equals = pair.indexOf("=");
  const value = entry.context?.[pair.slice(0, equals)];
  const wanted = pair.slice(equals + 1);
  return value === wanted || JSON.stringify(value) === wanted;
}

const WAIT_SPECS = [
  ..."format|f= time-format|T= timeout|t= match-context|m= count|c= path|p=".split(" "),
  ..."quiet|q verbose|v waitcreate|W human|H color|L?".split(" "),
];

export async function waitEvent(call: Call): Promise<number> {
  const options = parseOptions(call.argv, { command: "flux-job", specs: WAIT_SPECS });
  const [word = "", name = ""] = options.rest;
  const path = options.get("path") ?? "eventlog";
  const job = jobArgument(call, word, `job ${word} not found`);
  refuseOthers(call, job, RESTRICTED);
  const key = `${kvsDirectory(job.id)}.${path}`;
  if (call.instance.kvs.get(key) === undefined && !options.has("waitcreate"))
    throw new Refusal(`flux-job: eventlog path ${path} not found`);
  const print = printer(options);
  let left = Number(options.get("count") ?? 1);
  const seen = { found: false };
  const waiting = follow(call, key, (entry) => {
    const hit = entry.name === name && matches(entry, options.get("match-context"));
    seen.found = hit && --left === 0;
    if (!options.has("quiet") && (seen.found || options.has("verbose"))) call.out(print(entry));
    return seen.found || (path === "eventlog" && isOver(entry));
  });
  const limit = options.get("timeout");
  const seconds = limit === undefined ? Infinity : parseFsd(limit);
  if (seconds === undefined) throw new Refusal(`flux-job: invalid timeout: ${limit ?? ""}`);
  const timedOut = await within(waiting, seconds);
  if (timedOut) throw new Refusal(`flux-job: wait-event timeout on event '${name}'`);
  if (!seen.found) throw new Refusal(`flux-job: event '${name}' never received`);
  return 0;
}

/** Resolves to true if the time limit was reached before the event. */
async function within(waiting: Promise<void>, seconds: number): Promise<boolean> {
  if (seconds === Infinity) return waiting.then(() => false);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, seconds * 1000, true).unref();
  });
  const first = await Promise.race([waiting.then(() => false), late]);
  clearTimeout(timer);
  return first;
}
