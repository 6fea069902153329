/**
 * Measures the time of the commands that jobs call on their nodes. `usernetes attr` inside a job is
 * compared with the start of Node.js, and `flux usernetes once` in 32 tasks is compared with sh.
 */
import type { LifeFlux } from "../life/flux.js";
import { COMMANDS } from "../life/places.js";
import { repeat, type Row } from "./measure.js";
import { at, inFlux, manyCores, noTime } from "./place.js";

const TASKS = 32;
/** Each value is the mean of this number of calls. */
const CALLS = 20;
const ASKS = "--setattr=attributes.user.usernetes=yes";

/** A checkout of the Python tool that this package replaces. If set, it is also measured. */
const PYTHON_TOOL = process.env["USERNETES_PYTHON"];

const PROGRAMS = {
  attr: "usernetes attr kubeconfig",
  record: "env -u USERNETES_WORKDIR -u KUBECONFIG usernetes attr kubeconfig",
  node: "node -e 0",
  ...(PYTHON_TOOL === undefined
    ? {}
    : {
        python:
          "python3 -c 'from usernetes.cli import run_usernetes; run_usernetes()' attr kubeconfig",
      }),
};

type Program = keyof typeof PROGRAMS;

/**
 * Returns a script that runs each command in turn for `runs` rounds. It prints a line `NAME TIME`
 * for each command, with the time in microseconds.
 */
const script = (runs: number): string => `
ms() { echo $(($(date +%s%N) / 1000)); }
for round in $(seq ${runs}); do
${Object.entries(PROGRAMS)
  .map(
    ([name, command]) => `
  begin=$(ms)
  for call in $(seq ${CALLS}); do ${command} >/dev/null || exit; done
  echo "${name} $((($(ms) - begin) / ${CALLS}))"`,
  )
  .join("")}
done`;

async function attr(flux: LifeFlux, runs: number): Promise<Row[]> {
  const env: Record<string, string> = PYTHON_TOOL ? { PYTHONPATH: PYTHON_TOOL } : {};
  const argv = ["flux", "run", "-N1", ASKS, flux.script(script(runs))];
  const { stdout, stderr, exitCode } = await flux.run(argv, env);
  if (exitCode !== 0) throw new Error(`usernetes attr in a job: exit ${exitCode}: ${stderr}`);
  const lines = stdout.trim().split("\n");
  const of = (program: string): number[] =>
    lines.flatMap((line) => (line.startsWith(`${program} `) ? [Number(line.split(" ")[1])] : []));
  const ratio = (program: Program, to: string): number[] =>
    of(program).map((us, round) => us / (of(to)[round] ?? NaN));
  const ms = (program: string) => of(program).map((us) => us / 1000);
  const python: Row[] =
    PYTHON_TOOL === undefined
      ? []
      : [
          {
            name: "usernetes attr kubeconfig, in a job, as the tool before it",
            unit: "x",
            values: ratio("attr", "python"),
            against: `the same of the Python tool, ${ms("python")[0]?.toFixed(0) ?? "?"} ms`,
          },
        ];
  return [
    {
      name: "usernetes attr kubeconfig, in a job",
      unit: "x",
      values: ratio("attr", "node"),
      against: `node -e 0, ${ms("node")[0]?.toFixed(0) ?? "?"} ms`,
      target: { most: 0.5 },
    },
    {
      name: "usernetes attr kubeconfig, in a job without its environment",
      unit: "x",
      values: ratio("record", "node"),
      against: "node -e 0",
    },
    {
      name: "usernetes attr kubeconfig, in a job",
      unit: "ms",
      values: ms("attr"),
      against: "nothing",
    },
    ...python,
  ];
}

/** Runs a job of many tasks. Returns the seconds from its start to its finish. */
async function tasks(flux: LifeFlux, ...command: string[]): Promise<number> {
  const env = { FLUX_EXEC_PATH: COMMANDS };
  const submit = ["flux", "submit", "-N4", `-n${TASKS}`, ...command];
  const { stdout } = await flux.run(submit, env);
  const job = stdout.trim();
  await flux.waitFor(job, "clean", "60s");
  const events = await flux.events(job);
  const status = events.find(({ name }) => name === "finish")?.context?.["status"];
  if (status !== 0) throw new Error(`${command.join(" ")}: status ${String(status)}`);
  return at(events, "finish") - at(events, "start");
}

async function once(flux: LifeFlux, runs: number): Promise<Row[]> {
  const pairs = await repeat(runs, async () => ({
    plain: await tasks(flux, "sh", "-c", "true"),
    once: await tasks(flux, "flux", "usernetes", "once", "--", "true"),
  }));
  const plain = `sh -c true in ${TASKS} tasks on 4 nodes`;
  return [
    {
      name: `flux usernetes once -- true, ${TASKS} tasks`,
      unit: "x",
      values: pairs.map(({ once, plain }) => once / plain),
      against: plain,
    },
    {
      name: `flux usernetes once -- true, ${TASKS} tasks: overhead`,
      unit: "s",
      values: pairs.map(({ once, plain }) => once - plain),
      against: plain,
    },
  ];
}

export function measureCommands(runs: number): Promise<Row[]> {
  return inFlux({ tables: manyCores(4) }, async (flux) => {
    noTime(flux);
    await flux.startDaemon();
    return [...(await attr(flux, runs)), ...(await once(flux, runs))];
  });
}
