/**
 * Measures the time of a cluster beyond its steps: from alloc to start, and from the end of the
 * tasks to free.
 * One job has four nodes, which share this machine's cores, and another job has one node.
 */
import { readFileSync } from "node:fs";
import type { Entry, LifeFlux } from "../life/flux.js";
import { repeat, type Row } from "./measure.js";
import { at, inFlux, noTime } from "./place.js";
import { plainLife, type Life } from "./plain.js";

/**
 * The stand-ins' default durations in the longest chain: up, kubeadm-init, join-command,
 * kubeadm-join, sync-external-ip, install-flannel, Ready.
 */
const CHAIN_S = 2 + 3 + 0.2 + 2 + 0.5 + 1 + 1;
/**
 * The same for a cluster of one node, which has no workers: up, kubeadm-init, sync-external-ip,
 * install-flannel, Ready.
 */
const ALONE_S = 2 + 3 + 0.5 + 1 + 1;
const DOWN_S = 1;

/** Runs one job that asks for a cluster. Returns the seconds of its bring-up and teardown. */
export async function oneLife(flux: LifeFlux, ...args: string[]): Promise<Life> {
  const job = await flux.submit(...args, "true");
  await flux.waitForEnd(job, "300s");
  const events = await flux.events(job);
  if (Number.isNaN(at(events, "start")))
    throw new Error(`${job} has not started: ${flux.daemonLog}`);
  return {
    bringUp: at(events, "start") - at(events, "alloc"),
    teardown: at(events, "free") - tasksEnd(events),
  };
}

/**
 * Returns the time when the job's tasks ended. The shell plugin posts it as a memo, and keeps the
 * nodes for the teardown before Flux posts `finish`.
 */
function tasksEnd(events: Entry[]): number {
  const isDone = ({ context }: Entry) =>
    (context?.["usernetes"] as { tasks?: string } | undefined)?.tasks === "done";
  return events.find(isDone)?.timestamp ?? at(events, "finish");
}

/** Returns the number of processes that this machine starts during `act` (proc_stat(5)). */
async function started(act: () => Promise<unknown>): Promise<number> {
  const count = (): number =>
    Number(/^processes ([0-9]+)/m.exec(readFileSync("/proc/stat", "utf8"))?.[1]);
  const before = count();
  await act();
  return count() - before;
}

export function measureBringUp(runs: number): Promise<Row[]> {
  return inFlux({}, async (flux) => {
    await flux.startDaemon();
    await oneLife(flux, "-N4");
    // The lives alternate, because the machine may be slower a minute later.
    const all = async () => ({
      ours: await oneLife(flux, "-N4"),
      plain: await plainLife(flux),
      alone: await oneLife(flux, "-N1"),
    });
    const usual = await repeat(runs, all);
    noTime(flux);
    const quick = await repeat(runs, all);
    const processes = await repeat(runs, async () => {
      const ours = await started(() => oneLife(flux, "-N4"));
      return ours / (await started(() => plainLife(flux)));
    });
    const script = "a shell script that does the steps, in turn with it";
    const chain = `the longest chain of the steps' own times, ${CHAIN_S} s`;
    return [
      {
        name: "bring-up, 4 nodes: ratio",
        unit: "x",
        values: usual.map(({ ours }) => ours.bringUp / CHAIN_S),
        against: chain,
        target: { most: 1.05 },
      },
      {
        name: "bring-up, 4 nodes: overhead",
        unit: "s",
        values: usual.map(({ ours }) => ours.bringUp - CHAIN_S),
        against: chain,
        target: { most: 0.4 },
      },
      {
        name: "bring-up, 4 nodes: steps of 0 s",
        unit: "s",
        values: quick.map(({ ours }) => ours.bringUp),
        against: "nothing: all of it is ours and the stand-in's",
        target: { most: 0.6 },
      },
      {
        name: "teardown, 4 nodes: overhead",
        unit: "s",
        values: usual.map(({ ours }) => ours.teardown - DOWN_S),
        against: `the longest down-v, ${DOWN_S} s`,
        target: { most: 0.3 },
      },
      {
        name: "teardown, 4 nodes: steps of 0 s",
        unit: "s",
        values: quick.map(({ ours }) => ours.teardown),
        against: "nothing",
      },
      {
        name: "bring-up, 4 nodes: beyond a plain script",
        unit: "s",
        values: usual.map(({ ours, plain }) => ours.bringUp - plain.bringUp),
        against: script,
      },
      {
        name: "bring-up, 4 nodes, steps of 0 s: against a plain script",
        unit: "x",
        values: quick.map(({ ours, plain }) => ours.bringUp / plain.bringUp),
        against: script,
      },
      {
        name: "teardown, 4 nodes, steps of 0 s: against a plain script",
        unit: "x",
        values: quick.map(({ ours, plain }) => ours.teardown / plain.teardown),
        against: script,
      },
      {
        name: "processes, 4 nodes: of a whole life, with the job's own",
        unit: "x",
        values: processes,
        against: script,
      },
      {
        name: "bring-up, 1 node: overhead",
        unit: "s",
        values: usual.map(({ alone }) => alone.bringUp - ALONE_S),
        against: `the chain of one node, ${ALONE_S} s`,
        target: { most: 0.4 },
      },
      {
        name: "bring-up, 1 node: steps of 0 s",
        unit: "s",
        values: quick.map(({ alone }) => alone.bringUp),
        against: "nothing: all of it is ours and the stand-in's",
        target: { most: 0.6 },
      },
      {
        name: "teardown, 1 node: overhead",
        unit: "s",
        values: usual.map(({ alone }) => alone.teardown - DOWN_S),
        against: `its down-v, ${DOWN_S} s`,
        target: { most: 0.3 },
      },
    ];
  });
}
