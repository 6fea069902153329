/**
 * Runs one life of a job on any Flux, strikes the daemon at a point of it, and finds the faults of
 * the state after the end.
 */
import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeIdset } from "../../lib/flux/idset.js";
import { parseJobid } from "../../lib/flux/jobid.js";
import { packagePath } from "../../lib/host/package.js";
import { faultsOf } from "../fakes/record-schema.js";
import type { Entry, LifeFlux, Played } from "../life/flux.js";
import type { Point, Strike } from "./at-point.js";

export interface Scenario {
  /** Options and command of flux submit. */
  job: string[];
  /** Called before the job is submitted. */
  prepare?: (flux: LifeFlux) => void;
  /** The user's actions while the job lives. */
  act?: (flux: LifeFlux, job: string) => Promise<void>;
  /** The user's actions after the job has ended. */
  after?: (flux: LifeFlux, job: string) => Promise<void>;
  /** Further conditions at the end. */
  faults?: (lived: Lived) => string[];
}

export interface Lived {
  job: string;
  /** The points of the life, each with the text of its log line. */
  points: string[];
  /** The number of strikes; undefined if the life had no such point. */
  struck: number | undefined;
  events: Entry[];
  record: Entry[];
  played: Played[];
  left: string[];
}

/** The strikes of a life. The second one meets the daemon that resumes after the first. */
export type Strikes = { at: number; strike: Strike }[];

const PRELOAD = packagePath("dist", "test", "recovery", "at-point.js");

export async function live(
  flux: LifeFlux,
  scenario: Scenario,
  strikes: Strikes = [],
): Promise<Lived> {
  scenario.prepare?.(flux);
  const before = flux.stepsLog().length;
  const report = arm(flux, strikes[0]);
  flux.launchDaemon();
  await flux.daemonReady();
  const job = await flux.submit(...scenario.job);
  const end = Promise.all([scenario.act?.(flux, job), flux.waitForEnd(job)]).then(() =>
    scenario.after?.(flux, job),
  );
  await withDaemons(flux, end, strikes.slice(1));
  const [events, record, left] = await Promise.all([
    flux.events(job),
    flux.record(job),
    flux.leftovers(),
  ]);
  flux.daemonEnv = {};
  await flux.stopDaemon("SIGKILL");
  const text = record.map((event) => `${JSON.stringify(event)}\n`).join("");
  return {
    job,
    ...readReport(report),
    events,
    record,
    played: flux.stepsLog().slice(before),
    left: [...left, ...privateFiles(job), ...faultsOf(text)],
  };
}

/**
 * Prepares the strike for the next daemon that is started; without one, it only reports points.
 * Returns the file of this report.
 */
function arm(flux: LifeFlux, strike: Strikes[number] | undefined): string {
  const report = join(flux.place.common, `points-${randomUUID()}`);
  writeFileSync(report, "");
  const point: Point = { at: 0, strike: "die", ...strike, report };
  flux.daemonEnv = {
    LOG_LEVEL: "trace",
    NODE_OPTIONS: `--import=${PRELOAD}`,
    USERNETES_POINT: JSON.stringify(point),
  };
  return report;
}

/** Starts another daemon whenever one has died, until the life has ended. */
async function withDaemons(flux: LifeFlux, end: Promise<unknown>, strikes: Strikes): Promise<void> {
  const state = { over: false };
  const ended = end.finally(() => (state.over = true));
  for (const next of [...strikes, undefined]) {
    await Promise.race([ended, flux.daemonEnded]);
    if (state.over) break;
    arm(flux, next);
    flux.launchDaemon();
  }
  await ended;
}

function readReport(file: string): Pick<Lived, "points" | "struck"> {
  const lines = readFileSync(file, "utf8").split("\n").slice(0, -1);
  const struck = lines.find((line) => /^struck \d+$/.test(line))?.slice("struck ".length);
  const points = lines.filter((line) => !line.startsWith("struck "));
  return { points, struck: struck === undefined ? undefined : Number(struck) };
}

/** Leftover directories from which the daemon has published the join command. */
const privateFiles = (job: string): string[] =>
  readdirSync(tmpdir()).filter((name) => name.startsWith(`usernetes-join-${parseJobid(job)}-`));

/** The faults of any life that has ended, however it was struck. */
export function faults({ events, record, played, left }: Lived): string[] {
  const wrong = left.map((what) => `left: ${what}`);
  const ours = (name: string) =>
    events.filter((e) => e.name === name && e.context?.["description"] === "usernetes").length;
  for (const log of ["prolog", "epilog"])
    if (ours(`${log}-start`) !== ours(`${log}-finish`))
      wrong.push(`${ours(`${log}-start`)} ${log}-start, ${ours(`${log}-finish`)} ${log}-finish`);
  const last = record.at(-1);
  if (last && (last.name !== "down" || String(last.context?.["left"]) !== ""))
    wrong.push(`the record ends with ${JSON.stringify(last)}`);
  for (const name of ["claim", "settle", "teardown-start", "down"])
    if (record.length > 0 && record.filter((e) => e.name === name && !isKept(e)).length !== 1)
      wrong.push(`not one ${name} in the record`);
  return [...wrong, ...doubled(played), ...startedAgain(record)];
}

/** The cluster of a debug job is kept once when the job ends, and `clean` removes it. */
const isKept = ({ context }: Entry): boolean => context?.["kept"] === true;

/**
 * Finds steps that ran twice at the same time, and effects that happened twice without a reset
 * between them.
 */
function doubled(played: Played[]): string[] {
  const wrong = played
    .filter(({ what }) => what === "overlap")
    .map(({ host, target }) => `${target} twice at a time on ${host}`);
  const done = new Set<string>();
  for (const { host, target, what } of played) {
    if (what !== "end") continue;
    if (target === "kubeadm-reset") for (const d of done) if (d.startsWith(host)) done.delete(d);
    if (!["kubeadm-init", "kubeadm-join"].includes(target)) continue;
    if (done.has(`${host} ${target}`)) wrong.push(`${target} twice on ${host}`);
    done.add(`${host} ${target}`);
  }
  return wrong;
}

/**
 * Finds finished steps that were started again. Only join-command may be: until the join command is
 * published, it exists only in the daemon's memory, which a kill loses.
 */
function startedAgain(record: Entry[]): string[] {
  const ok = new Set<string>();
  const wrong: string[] = [];
  for (const { name, context } of record) {
    if (!name.startsWith("step-") || context?.["step"] === "join-command") continue;
    for (const rank of decodeIdset(String(context?.["ranks"]))) {
      const step = `${String(context?.["step"])} on rank ${rank}`;
      if (name === "step-start" && ok.has(step)) wrong.push(`${step} started again`);
      if (name === "step-finish" && context?.["status"] === "ok") ok.add(step);
    }
  }
  return wrong;
}
