/**
 * Measures whether the bridge's event alone holds a job in time, so that the job's shell never has
 * to wait. It submits many jobs at once, and as many jobs one after the other.
 */
import { kvsDirectory, parseJobid } from "../../lib/flux/jobid.js";
import type { Entry, LifeFlux } from "../life/flux.js";
import { repeat, type Row } from "./measure.js";
import { at, inFlux, manyCores } from "./place.js";

const JOBS = 200;
/** Each job gets its node at once. The daemon then refuses the job, so that no step runs. */
const SUBMIT = [
  ...["flux", "submit", "-n1", "--setattr=attributes.user.usernetes=yes"],
  "--setattr=attributes.user.usernetes_engine=podman",
];

async function eventlogs(flux: LifeFlux, jobs: string[]): Promise<Entry[][]> {
  const keys = jobs.map((job) => `${kvsDirectory(parseJobid(job) ?? 0n)}.eventlog`);
  const text = await flux.output("flux", "kvs", "get", "--raw", ...keys);
  const logs: Entry[][] = [];
  for (const line of text.split("\n")) {
    const entry = JSON.parse(line) as Entry;
    if (entry.name === "submit") logs.push([]);
    logs.at(-1)?.push(entry);
  }
  return logs;
}

async function burst(flux: LifeFlux): Promise<Entry[][]> {
  const jobs = (await flux.output(...SUBMIT, `--cc=1-${JOBS}`, "true")).split("\n");
  for (const job of jobs) await flux.waitFor(job, "clean", "120s");
  return eventlogs(flux, jobs);
}

async function oneByOne(flux: LifeFlux): Promise<Entry[][]> {
  const jobs = await repeat(JOBS, async () => {
    const job = await flux.output(...SUBMIT, "true");
    await flux.waitFor(job, "clean");
    return job;
  });
  return eventlogs(flux, jobs);
}

/** Returns whether the job had its nodes and only the daemon kept it from starting. */
function isHeld(events: Entry[]): boolean {
  const names = events.map(({ name }) => name);
  return names.includes("alloc") && names.includes("prolog-start") && !names.includes("start");
}

function rowsOf(how: string, logs: Entry[][]): Row[] {
  const held = logs.filter(isHeld).length;
  const delays = logs.map((events) => (at(events, "prolog-start") - at(events, "submit")) * 1000);
  return [
    {
      name: `held in time by the event alone, ${how}`,
      unit: "x",
      values: [held / logs.length],
      against: `all of ${logs.length} jobs`,
      target: { least: 1 },
    },
    {
      name: `from submit to prolog-start, ${how}`,
      unit: "ms",
      values: delays.filter(Number.isFinite),
      against: "nothing",
    },
    {
      name: `from prolog-start to alloc, ${how}`,
      unit: "ms",
      values: logs.map((events) => (at(events, "alloc") - at(events, "prolog-start")) * 1000),
      against: "nothing: an idle Flux starts a job some 10 ms after alloc",
    },
  ];
}

export function measureHold(runs: number): Promise<Row[]> {
  return inFlux({ tables: manyCores(4) }, async (flux) => {
    await flux.startDaemon();
    const alone = await oneByOne(flux);
    const bursts = (await repeat(runs, () => burst(flux))).flat();
    return [...rowsOf(`${runs} bursts of ${JOBS}`, bursts), ...rowsOf("one by one", alone)];
  });
}
