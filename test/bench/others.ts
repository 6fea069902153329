/**
 * Measures the cost for jobs that do not ask for a cluster: how many of them end in a second, with
 * the daemon and without, and how much CPU time the daemon and its bridge use meanwhile.
 */
import { join } from "node:path";
import type { LifeFlux } from "../life/flux.js";
import { processTree } from "../life/process-tree.js";
import { PACKAGE } from "../sandbox/paths.js";
import { cpuSeconds } from "./cpu.js";
import { repeat, type Row } from "./measure.js";
import { inFlux, isEmbedded } from "./place.js";

const JOBS = 200;
const ORDINARY = ["flux", "submit", "--wait", "--quiet", `--cc=1-${JOBS}`, "-N1", "true"];
const WHAT = `flux submit --wait --cc=1-${JOBS} -N1 true`;

/** Runs ordinary jobs. Returns the number of jobs that ended per second. */
async function rate(flux: LifeFlux): Promise<number> {
  const begin = performance.now();
  await flux.output(...ORDINARY);
  return (JOBS * 1000) / (performance.now() - begin);
}

/** Runs both acts. They take turns at being first, so that the order favours neither. */
async function inTurn(round: number, acts: [() => Promise<void>, () => Promise<void>]) {
  const [first, second] = round % 2 === 0 ? acts : acts.toReversed();
  await first?.();
  await second?.();
}

/** Returns the daemon and its bridge, without the command of the embedded Flux. */
function daemonProcesses(flux: LifeFlux) {
  const tree = processTree(flux.daemonPid);
  return isEmbedded() ? tree.slice(0, 1) : tree;
}

const cpuOf = (flux: LifeFlux): number =>
  daemonProcesses(flux).reduce((sum, { pid }) => sum + cpuSeconds(pid), 0);

interface Compared {
  ratio: number;
  /** The milliseconds of CPU time that the daemon and its bridge use for each job. */
  cpuMs: number;
}

async function withAndWithout(flux: LifeFlux, round: number): Promise<Compared> {
  let [alone, watched, cpu] = [0, 0, 0];
  await inTurn(round, [
    async () => {
      alone = await rate(flux);
    },
    async () => {
      await flux.startDaemon();
      // After this pause, the daemon has finished its own start.
      await new Promise((resolve) => setTimeout(resolve, 1000));
      const before = cpuOf(flux);
      watched = await rate(flux);
      cpu = cpuOf(flux) - before;
      await flux.stopDaemon();
    },
  ]);
  return { ratio: watched / alone, cpuMs: (cpu / JOBS) * 1000 };
}

function events(runs: number): Promise<Row[]> {
  return inFlux({}, async (flux) => {
    await rate(flux);
    const rounds = await repeat(runs, (round) => withAndWithout(flux, round));
    await flux.startDaemon();
    const memory = await repeat(runs, async () => {
      await rate(flux);
      return daemonProcesses(flux);
    });
    const mb = (kind: "pssKb" | "rssKb") =>
      memory.map((tree) => tree.reduce((sum, process) => sum + process[kind], 0) / 1024);
    return [
      {
        name: "other jobs: their rate with the daemon",
        unit: "x",
        values: rounds.map(({ ratio }) => ratio),
        against: `${WHAT} without it, in turn`,
        target: { least: 0.97 },
      },
      {
        name: "other jobs: CPU time of daemon and bridge a job",
        unit: "ms",
        values: rounds.map(({ cpuMs }) => cpuMs),
        against: "nothing",
      },
      {
        name: "resident memory of daemon and bridge (RSS)",
        unit: "MB",
        values: mb("rssKb"),
        against: "nothing",
        target: { most: 120 },
      },
      {
        name: "the same, shared pages divided (PSS)",
        unit: "MB",
        values: mb("pssKb"),
        against: "nothing",
        target: { most: 120 },
      },
    ];
  });
}

const perilogs = (command: (kind: string) => string[]): string =>
  `[job-manager]\nplugins = [{ load = "perilog.so" }]\n${["prolog", "epilog"]
    .map((kind) => `[job-manager.${kind}]\ncommand = ${JSON.stringify(command(kind))}\n`)
    .join("")}`;

const OURS = perilogs((kind) => [join(PACKAGE, `etc/flux/system/${kind}.d/usernetes`)]);
const EMPTY = perilogs(() => ["/bin/sh", "-c", "exit 0"]);

function perilog(runs: number): Promise<Row[]> {
  return inFlux({ table: 'hold = "perilog"', tables: OURS }, (ours) =>
    inFlux({ tables: EMPTY }, async (empty) => {
      await ours.startDaemon();
      await rate(ours);
      await rate(empty);
      const values = await repeat(runs, async (round) => {
        let [held, free] = [0, 0];
        await inTurn(round, [
          async () => {
            held = await rate(ours);
          },
          async () => {
            free = await rate(empty);
          },
        ]);
        return held / free;
      });
      return [
        {
          name: 'other jobs: their rate with hold = "perilog"',
          unit: "x",
          values,
          against: "an empty sh prolog and epilog, in turn",
          target: { least: 0.95 },
        },
      ];
    }),
  );
}

export async function measureOthers(runs: number): Promise<Row[]> {
  return [...(await events(runs)), ...(await perilog(runs))];
}
