/** Measures how many of many clusters on few brokers become ready together, and how fast. */
import type { LifeFlux } from "../life/flux.js";
import { repeat, type Row } from "./measure.js";
import { at, inFlux, manyCores } from "./place.js";

const CLUSTERS = 50;
const BROKERS = 16;
/** The resources of a job: one core on each of two nodes. */
const JOB = ["-N2", "-n2", "true"];

interface Start {
  ready: number;
  /** The time from the first job that has its nodes to the last one that starts. */
  seconds: number;
}

async function startTogether(flux: LifeFlux, count: number): Promise<Start> {
  const copies = Array.from({ length: count }, (_, copy) => copy).join();
  const ids = await flux.submit(`--cc=${copies}`, ...JOB);
  const jobs = ids.split("\n");
  for (const job of jobs) await flux.waitForEnd(job, "240s");
  const events = await Promise.all(jobs.map((job) => flux.events(job)));
  const starts = events.map((of) => at(of, "start")).filter(Number.isFinite);
  for (const [place, of] of events.entries()) {
    const fatal = of.find(({ context }) => context?.["severity"] === 0)?.context;
    if (fatal) process.stderr.write(`${jobs[place] ?? ""}: ${JSON.stringify(fatal)}\n`);
  }
  const first = Math.min(...events.map((of) => at(of, "alloc")));
  return { ready: starts.length, seconds: Math.max(...starts) - first };
}

export function measureMany(runs: number): Promise<Row[]> {
  return inFlux({ size: BROKERS, tables: manyCores(BROKERS) }, async (flux) => {
    await flux.startDaemon();
    await startTogether(flux, 1);
    const rounds = await repeat(runs, async () => ({
      one: await startTogether(flux, 1),
      all: await startTogether(flux, CLUSTERS),
    }));
    const what = `${CLUSTERS} clusters of 2 nodes at once on ${BROKERS} brokers`;
    return [
      {
        name: `${what}: ready`,
        unit: "",
        values: rounds.map(({ all }) => all.ready),
        against: "all of them",
        target: { least: CLUSTERS, always: true },
      },
      {
        name: `${what}: from the first alloc to the last start`,
        unit: "x",
        values: rounds.map(({ all, one }) => all.seconds / one.seconds),
        against: "one alone, in turn",
      },
      {
        name: `${what}: the same`,
        unit: "s",
        values: rounds.map(({ all }) => all.seconds),
        against: `one alone: ${rounds.map(({ one }) => one.seconds.toFixed(1)).join(", ")} s`,
      },
    ];
  });
}
