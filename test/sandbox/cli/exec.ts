/** flux-exec(1): runs one process on each rank of an idset. */
import { constants } from "node:os";
import { decodeIdset, encodeIdset } from "../../../lib/flux/idset.js";
import type { Call } from "../call.js";
import { Refusal } from "../refusal.js";
import { asUser, userOf } from "../guests.js";
import { jobArgument } from "../job-argument.js";
import type { Job } from "../job.js";
import { parseOptions, type Options } from "../options.js";
import { statusOf, type Ending, type Running } from "../process.js";
import { describeSignal } from "../signals.js";

const SPECS = [
  ...["rank|r=", "exclude|x=", "dir|d=", "jobid|j="],
  ...["labelio|l", "noinput|n", "verbose|v", "quiet|q"],
];
const NO_ROUTE = 68;

function idset(text: string, size: number): number[] {
  if (text === "all") return Array.from({ length: size }, (_, rank) => rank);
  try {
    return decodeIdset(text);
  } catch {
    throw new Refusal(`flux-exec: failed to decode idset '${text}': Invalid argument`);
  }
}

/** Returns the job of --jobid, in whose shells the command runs as the job's user. */
function jobOf(call: Call, options: Options): Job | undefined {
  const id = options.get("jobid");
  if (id === undefined) return undefined;
  const job = jobArgument(call, id, `unable to get info for job ${id}: No such file or directory`);
  if (userOf(call.env) !== job.userid || !job.started || job.state !== "RUN")
    throw new Refusal(`flux-exec: Error: job ${id}: No such file or directory`);
  return job;
}

/** Returns the ranks that the options select. The options number the given `ranks` from 0. */
function targets(options: Options, ranks: number[]): number[] {
  return places(options, ranks.length).flatMap((place) => ranks[place] ?? []);
}

function places(options: Options, size: number): number[] {
  const text = options.get("rank") ?? "all";
  const asked = idset(text, size);
  if (asked.some((rank) => rank >= size))
    throw new Refusal(`flux-exec: One or more invalid --ranks specified: ${text}`);
  const without = idset(options.get("exclude") ?? "", size);
  const ranks = asked.filter((rank) => !without.includes(rank));
  if (ranks.length === 0) throw new Refusal("flux-exec: No targets specified");
  return ranks;
}

/** Returns a function that prints a rank's output. Labelled output is printed in whole lines. */
function printer(
  call: Call,
  rank: number,
  options: Options,
): Record<"out" | "err", (chunk: Buffer) => void> {
  if (!options.has("labelio")) return { out: call.outBytes, err: call.errBytes };
  const labelled = (sink: (chunk: Buffer) => void) => (chunk: Buffer) => {
    sink(Buffer.from(chunk.toString("latin1").replace(/^(?=[^])/gm, `${rank}: `), "latin1"));
  };
  return { out: labelled(call.outBytes), err: labelled(call.errBytes) };
}

interface Start {
  rank: number;
  argv: string[];
}

function start(call: Call, { rank, argv }: Start, options: Options): Running {
  const { instance } = call;
  const { out, err } = printer(call, rank, options);
  const running = instance.launcher({
    host: instance.host(rank),
    argv,
    cwd: options.get("dir") ?? call.cwd,
    env: call.env,
    uri: instance.uri(rank),
    stdin: !options.has("noinput"),
    onStdout: out,
    onStderr: err,
  });
  instance.processes.set(running, rank);
  return running;
}

/** Prints a line like `[1-2]: Exit 3` for each status, the smallest first. */
function report(call: Call, endings: Map<number, Ending>): void {
  const ranks = new Map<string, number[]>();
  for (const [rank, ending] of endings) {
    if (ending.kind === "not-started" || statusOf(ending) === 0) continue;
    const text =
      ending.kind === "killed"
        ? describeSignal(constants.signals[ending.signal])
        : `Exit ${ending.status}`;
    ranks.set(text, [...(ranks.get(text) ?? []), rank]);
  }
  for (const [text, ids] of ranks)
    call.err(`${ids.length > 1 ? `[${encodeIdset(ids)}]` : encodeIdset(ids)}: ${text}\n`);
}

export async function exec(call: Call): Promise<number> {
  const { instance } = call;
  const options = parseOptions(call.argv, {
    command: "flux-exec",
    specs: SPECS,
    stopAtOperand: true,
  });
  if (options.rest.length === 0) throw new Refusal("Usage: flux exec [OPTIONS] COMMAND...");
  const job = jobOf(call, options);
  const all = Array.from({ length: instance.size }, (_, rank) => rank);
  const ranks = targets(options, job ? [...(job.allocation?.cores.keys() ?? [])] : all);
  const argv = job ? asUser(job.userid, options.rest) : options.rest;
  const lost = ranks.filter((rank) => instance.resources.lost.has(rank));
  const here = ranks.filter((rank) => !lost.includes(rank));
  const command = options.rest[0] ?? "";
  for (const rank of lost)
    call.err(`flux-exec: Error: rank ${rank}: ${command}: No route to host\n`);
  const running = new Map<number, Running>();
  const launched = here.map(async (rank) => {
    if (instance.stalled.has(rank)) await instance.whenAnswering(rank);
    const process = start(call, { rank, argv }, options);
    running.set(rank, process);
    return { rank, process };
  });
  const killAll = (signal: NodeJS.Signals) => {
    for (const process of running.values()) process.kill(signal);
  };
  call.onSignal(killAll);
  call.gone.addEventListener("abort", () => {
    killAll("SIGKILL");
  });
  // Like flux-exec(1), forward stdin only after the process of each rank has started or failed.
  if (running.size < here.length) await Promise.all(launched);
  if (!options.has("noinput"))
    call.onStdin(
      (chunk) => {
        for (const process of running.values()) process.writeStdin(chunk);
      },
      () => {
        for (const process of running.values()) process.endStdin();
      },
    );
  const endings = new Map<number, Ending>();
  await Promise.all(
    launched.map(async (launching) => {
      const { rank, process } = await launching;
      const ending = await process.ended;
      instance.processes.delete(process);
      endings.set(rank, ending);
      if (ending.kind === "not-started")
        call.err(
          `flux-exec: Error: rank ${rank}: ${command}: error launching process: ${ending.reason}\n`,
        );
    }),
  );
  if (!options.has("quiet")) report(call, new Map([...endings].sort(([a], [b]) => a - b)));
  return Math.max(...[...endings.values()].map(statusOf), lost.length > 0 ? NO_ROUTE : 0);
}
