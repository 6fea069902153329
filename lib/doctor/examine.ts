/**
 * Checks each node: one script runs on all nodes in one call.
 *
 * Promises: a node that hangs or is lost delays the result by a bounded time, and the reports of
 * the other nodes are kept.
 */
import { readFileSync } from "node:fs";
import type { Config } from "../config/check.js";
import { DIRECTORY_VARIABLES, withoutCluster } from "../config/site-environment.js";
import type { Run } from "../host/command.js";
import { packagePath } from "../host/package.js";
import { oneLine } from "../record/notes.js";
import { callNodes } from "../node/call.js";
import { hookPrograms, templatePorts, templateSettings } from "../node/environment.js";
import type { Report } from "../node/protocol.js";
import { withoutComments } from "../node/scripts.js";
import { engine } from "../usernetes/engine.js";
import { warmProject } from "../usernetes/names.js";
import { choosePorts, DEFAULT_PORTS } from "../usernetes/ports.js";

export interface CheckReport {
  ok: boolean;
  text: string;
}

export interface Answers {
  /**
   * The reports by rank, and then by the requirement's id. A node has reported `end` if its script
   * has ended.
   */
  reports: Map<number, Map<string, CheckReport>>;
  /** The reason for each rank that did not answer. */
  lost: Map<number, string>;
}

/** Seconds for all checks of a node, if `--timeout` names no others. */
export const DEFAULT_LIMIT_S = 100;

/**
 * The times that follow from the limit of a node: 15 s for one command on a node, after which the
 * script stops it; and without any report 20 s while a node runs its checks, 8 s otherwise, for the
 * default limit. They grow with the limit, but never become shorter. A node that is up sends its
 * first report immediately, and a report follows each command that may take long.
 */
function limits(limitS: number) {
  const factor = Math.max(1, limitS / DEFAULT_LIMIT_S);
  return {
    commandS: Math.round(15 * factor),
    quietMs: { checking: 20_000 * factor, otherwise: 8_000 * factor },
  };
}

const SCRIPTS = [
  ...["begin", "programs", "engines", "kernel"].map(onNode),
  // The step stage checks the template with the same parts.
  "node/steps/parts/template.sh",
  "node/steps/parts/hook-program.sh",
  ...["places", "network", "shell-plugin", "end"].map(onNode),
];
const USER_SCRIPTS = [...["begin", "engines", "kernel", "end"].map(onNode)];
/** For a further template. */
const TEMPLATE_SCRIPTS = [
  ...["begin", "engines", "kernel"].map(onNode),
  "node/steps/parts/template.sh",
  "node/steps/parts/hook-program.sh",
  ...["places", "end"].map(onNode),
];

function onNode(name: string): string {
  return `doctor/on-node/${name}.sh`;
}

interface Asked {
  ranks: number[];
  env: Record<string, string>;
  /**
   * Checks the engine of this user, through sudo(8). Undefined: makes all checks, as the instance
   * owner.
   */
  userid?: number | undefined;
  /** The configuration is that for a template of usernetes.templates, of this name. */
  template?: string | undefined;
  /** Seconds for all checks of a node. */
  limitS?: number;
}

export async function examine(
  run: Run,
  config: Config,
  { ranks, env, userid, template, limitS = DEFAULT_LIMIT_S }: Asked,
): Promise<Answers> {
  const { commandS, quietMs } = limits(limitS);
  const answers: Answers = { reports: new Map(), lost: new Map() };
  const waiting = new Set(ranks);
  // A flux exec to a broker that has just died does not end, so this signal ends the call.
  const abandoned = new AbortController();
  const abandon = () => {
    abandoned.abort();
  };
  let quiet = setTimeout(abandon, quietMs.checking);
  const end = (rank: number, why?: string) => {
    if (why !== undefined) answers.lost.set(rank, why);
    if (waiting.delete(rank) && waiting.size === 0) call.end();
  };
  const called = { ranks, userid, env, limitS };
  const first = {
    do: "checks" as const,
    env: { ...env, ...settings(config, template), USERNETES_LIMIT: String(commandS) },
    site: siteVariables(config, userid),
    seconds: limitS,
    script: script(scriptsFor(userid, template)),
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
        quiet = setTimeout(abandon, isAnyChecking(answers) ? quietMs.checking : quietMs.otherwise);
      },
      onError: end,
    },
    [first],
  );
  const { outcome, why } = await call.over;
  clearTimeout(quiet);
  // Flux refuses some calls for all ranks.
  const late = outcome.timedOut || abandoned.signal.aborted;
  const reason = late ? "the node does not answer" : why;
  for (const rank of ranks)
    if (!answers.reports.has(rank) && !answers.lost.has(rank))
      answers.lost.set(rank, oneLine(reason || "the node does not answer"));
  return answers;
}

function scriptsFor(userid: number | undefined, template: string | undefined): string[] {
  if (userid !== undefined) return USER_SCRIPTS;
  return template === undefined ? SCRIPTS : TEMPLATE_SCRIPTS;
}

/** With run-as = "sudo" the instance owner has no cluster, and gets no directories for one. */
function siteVariables({ options, runAs }: Config, userid: number | undefined) {
  const variables = withoutCluster(options.environment);
  if (runAs === "owner" || userid !== undefined) return variables;
  const rest = Object.entries(variables).filter(([name]) => !DIRECTORY_VARIABLES.includes(name));
  return Object.fromEntries(rest);
}

export function script(names = SCRIPTS): string {
  const read = (path: string) => readFileSync(packagePath("lib", path), "utf8");
  return withoutComments(names.map(read).join(""));
}

/** The script's settings; no value becomes part of its text. */
export function settings(config: Config, template?: string): Record<string, string> {
  const engines = [config.engine, ...config.engines.filter((name) => name !== config.engine)];
  const { ports, interface: dev } = config;
  const numbers = Object.values(ports === "default" ? DEFAULT_PORTS : ports);
  // The script uses the ports of a first cluster to check whether the template accepts other ports.
  const first = choosePorts(ports, [], config.options.portVariables) ?? DEFAULT_PORTS;
  return {
    USERNETES_ENGINES: engines.join(" "),
    ...Object.fromEntries(
      engines.map((name) => [`USERNETES_COMPOSE_${name}`, engine(name).compose.join(" ")]),
    ),
    USERNETES_RUN_AS: config.runAs,
    USERNETES_TEMPLATE: config.template,
    USERNETES_WORKDIR: config.workdir,
    USERNETES_WARM: warmProject(template),
    USERNETES_PORT_FIRST: String(Math.min(...numbers)),
    USERNETES_PORT_LAST: String(Math.max(...numbers)),
    ...templatePorts(first),
    ...templateSettings(config.options),
    ...hookPrograms(config.options.hooks),
    ...(dev === undefined ? {} : { USERNETES_INTERFACE: dev }),
  };
}

const isAnyChecking = ({ reports }: Answers): boolean =>
  [...reports.values()].some((node) => !node.has("end"));

function take({ reports }: Answers, report: Report & { report: "check" }): void {
  const { rank, id, ok, text } = report;
  const node = reports.get(rank) ?? new Map<string, CheckReport>();
  node.set(id, { ok, text: oneLine(text) });
  reports.set(rank, node);
}
