/**
 * Measures the cost of more ranks: a bring-up with 4, 16 and 64 brokers on this machine, and the
 * daemon's work for 64 and 256 simulated nodes.
 */
import type { LifeFlux } from "../life/flux.js";
import { oneLife } from "./bring-up.js";
import { cpuSeconds } from "./cpu.js";
import { repeat, type Row } from "./measure.js";
import { inFlux, noTime } from "./place.js";
import { playedNode } from "./played-node.js";

const BROKERS = [4, 16, 64];
const INSTANCES = [256, 4096];
const [FEW, MANY] = [64, 256];

export async function measureScale(runs: number): Promise<Row[]> {
  const rows: Row[] = [];
  for (const size of BROKERS) rows.push(await bringUpOf(size, runs));
  for (const size of INSTANCES) rows.push(...(await daemonIn(size, runs)));
  return rows;
}

function bringUpOf(size: number, runs: number): Promise<Row> {
  return inFlux({ size }, async (flux) => {
    noTime(flux);
    await flux.startDaemon();
    await oneLife(flux, `-N${size}`);
    const lives = await repeat(runs, () => oneLife(flux, `-N${size}`));
    return {
      name: `bring-up, ${size} brokers on this machine: steps of 0 s`,
      unit: "s",
      values: lives.map(({ bringUp }) => bringUp),
      against: "nothing: their shells share its cores",
    };
  });
}

interface Work {
  /** The number of `flux exec` calls. */
  calls: number;
  /** The number of events in the record. */
  events: number;
  /** The daemon's own seconds of CPU. */
  cpu: number;
}

/** Measures the daemon's work for a job on `ranks` nodes, from its submission to its end. */
async function work(flux: LifeFlux, ranks: number): Promise<Work> {
  const before = flux.daemonLog.length;
  const cpu = cpuSeconds(flux.daemonPid);
  const job = await flux.submit(`-N${ranks}`, "true");
  await flux.waitForEnd(job, "300s");
  // Log messages after the last event also count as work.
  await new Promise((resolve) => setTimeout(resolve, 500));
  const calls = flux.daemonLog.slice(before).match(/flux exec [^"]*: begins/g)?.length ?? 0;
  const record = await flux.record(job);
  if (!record.some(({ context }) => context?.["outcome"] === "ready"))
    throw new Error(`no cluster of ${ranks} ranks came up: ${JSON.stringify(record.at(-1))}`);
  return { calls, events: record.length, cpu: cpuSeconds(flux.daemonPid) - cpu };
}

function daemonIn(size: number, runs: number): Promise<Row[]> {
  return inFlux({ size, embedded: true, launcher: playedNode }, async (flux) => {
    const both = async () => ({ few: await work(flux, FEW), many: await work(flux, MANY) });
    flux.logLevel = "trace";
    await flux.startDaemon();
    const reported = await repeat(runs, both);
    await flux.stopDaemon();
    flux.logLevel = "info";
    await flux.startDaemon();
    await both();
    const spent = await repeat(runs, both);
    const place = `in an embedded instance of ${size} ranks, nodes played`;
    const name = `${MANY} ranks`;
    return [
      {
        name: `${name}, ${place}: flux exec calls`,
        unit: "x",
        values: reported.map(({ few, many }) => many.calls / few.calls),
        against: `${FEW} ranks there: ${reported.map(({ few }) => few.calls).join(", ")} calls`,
        target: { most: 1 },
      },
      {
        name: `${name}, ${place}: events in the record`,
        unit: "",
        values: reported.map(({ many }) => many.events),
        against: `${FEW} ranks there: ${reported.map(({ few }) => few.events).join(", ")} events`,
      },
      {
        name: `${name}, ${place}: the daemon's CPU time per rank`,
        unit: "ms",
        values: spent.map(({ few, many }) => ((many.cpu - few.cpu) / (MANY - FEW)) * 1000),
        against: `${FEW} ranks there`,
        target: { most: 0.5 },
      },
    ];
  });
}
