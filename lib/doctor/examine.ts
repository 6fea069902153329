/**
 * Asks each node what it has: one script, one call.
 *
 * Promises: a node that hangs or is gone delays the answer by a bounded time, and
 * what the others say is not lost with it.
 */
import { readFileSync } from "node:fs";
import type { Config } from "../config/check.js";
import { withoutCluster } from "../config/site-environment.js";
import type { Run } from "../host/command.js";
import { packagePath } from "../host/package.js";
import { oneLine } from "../record/notes.js";
import { callNodes } from "../node/call.js";
import { hookPrograms, templatePorts, templateSettings } from "../node/environment.js";
import type { Report } from "../node/protocol.js";
import { withoutComments } from "../node/scripts.js";
import { engine } from "../usernetes/engine.js";
import { choosePorts, DEFAULT_PORTS } from "../usernetes/ports.js";

export interface CheckReport {
  ok: boolean;
  text: string;
}

export interface Answers {
  /** By rank, then by the requirement's id. A node whose script has ended has reported `end`. */
  reports: Map<number, Map<string, CheckReport>>;
  /** Why a rank did not answer, if flux exec reports it. */
  lost: Map<number, string>;
}

/** Each engine is asked four times, 15 s at the most. */
const DEADLINE_S = 100;
/** A node that checks reports at least so often; a node that is up reports at once. */
const QUIET_MS = { atIt: 20_000, rest: 8_000 };
const SCRIPTS = [
  ...["begin", "programs", "engines", "kernel"].map(onNode),
  // As stage looks at it.
  "node/steps/parts/template.sh",
  "node/steps/parts/hook-program.sh",
  ...["places", "network", "shell-plugin", "end"].map(onNode),
];
const USER_SCRIPTS = [...["begin", "engines", "kernel", "end"].map(onNode)];

function onNode(name: string): string {
  return `doctor/on-node/${name}.sh`;
}

interface Asked {
  ranks: number[];
  env: Record<string, string>;
  /** Whose engine is asked, through sudo(8); undefined: all, as the instance owner. */
  userid?: number | undefined;
}

export async function examine(
  run: Run,
  config: Config,
  { ranks, env, userid }: Asked,
): Promise<Answers> {
  const answers: Answers = { reports: new Map(), lost: new Map() };
  const waiting = new Set(ranks);
  // A flux exec to a broker that has just died does not end.
  const abandoned = new AbortController();
  const abandon = () => {
    abandoned.abort();
  };
  let quiet = setTimeout(abandon, QUIET_MS.atIt);
  const end = (rank: number, why?: string) => {
    if (why !== undefined) answers.lost.set(rank, why);
    if (waiting.delete(rank) && waiting.size === 0) call.end();
  };
  const called = { ranks, userid, env, limitS: DEADLINE_S };
  const first = {
    do: "checks" as const,
    env: { ...env, ...settings(config) },
    site: withoutCluster(config.options.environment),
    seconds: DEADLINE_S,
    script: script(userid === undefined ? SCRIPTS : USER_SCRIPTS),
  };
  const call = callNodes(
    run,
    called,
    {
      signal: abandoned.signal,
      onReport: (report) => {
        const { rank } = report;
        if (report.report === "check") take(answers, report);
        else if (report.report === "checked") end(rank);
        else if (report.report === "refused" || report.report === "gone") end(rank, report.text);
        clearTimeout(quiet);
        quiet = setTimeout(abandon, isAnyAtIt(answers) ? QUIET_MS.atIt : QUIET_MS.rest);
      },
      onError: end,
    },
    [first],
  );
  const { outcome, why } = await call.over;
  clearTimeout(quiet);
  // Flux refuses some calls as a whole.
  const late = outcome.timedOut || abandoned.signal.aborted;
  const reason = late ? "the node does not answer" : why;
  for (const rank of ranks)
    if (!answers.reports.has(rank) && !answers.lost.has(rank))
      answers.lost.set(rank, oneLine(reason || "the node does not answer"));
  return answers;
}

export function script(names = SCRIPTS): string {
  const read = (path: string) => readFileSync(packagePath("lib", path), "utf8");
  return withoutComments(names.map(read).join(""));
}

/** The script's settings; no value becomes part of its text. */
export function settings(config: Config): Record<string, string> {
  const engines = [config.engine, ...config.engines.filter((name) => name !== config.engine)];
  const { ports, interface: dev } = config;
  const numbers = Object.values(ports === "default" ? DEFAULT_PORTS : ports);
  // What a first cluster would have: whether the template has to take any is seen by them.
  const first = choosePorts(ports, [], config.options.portVariables) ?? DEFAULT_PORTS;
  return {
    USERNETES_ENGINES: engines.join(" "),
    ...Object.fromEntries(
      engines.map((name) => [`USERNETES_COMPOSE_${name}`, engine(name).compose.join(" ")]),
    ),
    USERNETES_RUN_AS: config.runAs,
    USERNETES_TEMPLATE: config.template,
    USERNETES_WORKDIR: config.workdir,
    USERNETES_PORT_FIRST: String(Math.min(...numbers)),
    USERNETES_PORT_LAST: String(Math.max(...numbers)),
    ...templatePorts(first),
    ...templateSettings(config.options),
    ...hookPrograms(config.options.hooks),
    ...(dev === undefined ? {} : { USERNETES_INTERFACE: dev }),
  };
}

const isAnyAtIt = ({ reports }: Answers): boolean =>
  [...reports.values()].some((node) => !node.has("end"));

function take({ reports }: Answers, report: Report & { report: "check" }): void {
  const { rank, id, ok, text } = report;
  const node = reports.get(rank) ?? new Map<string, CheckReport>();
  node.set(id, { ok, text: oneLine(text) });
  reports.set(rank, node);
}
