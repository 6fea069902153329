/**
 * Asks each node what it has: one script, one `flux exec`.
 *
 * Promises: a node that hangs or is gone delays the answer by a bounded time, and
 * what the others say is not lost with it.
 */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Config } from "../config/check.js";
import { fluxExec } from "../flux/exec.js";
import type { Run } from "../host/command.js";
import { packagePath } from "../host/package.js";
import { oneLine } from "../record/notes.js";
import { templatePorts } from "../step/environment.js";
import { execErrors } from "../step/reports.js";
import { engine } from "../usernetes/engine.js";
import { choosePorts, DEFAULT_PORTS } from "../usernetes/ports.js";

export interface Told {
  ok: boolean;
  words: string;
}

export interface Answers {
  /** By rank, then by the requirement's id. A node whose script has ended has reported `end`. */
  told: Map<number, Map<string, Told>>;
  /** Why a rank did not answer, if flux exec reports it. */
  lost: Map<number, string>;
}

/** Each engine is asked four times, 15 s at the most. */
const DEADLINE_MS = 100_000;
/** A working node prints a line at least this often; a reachable node prints one at once. */
const QUIET_MS = { atIt: 20_000, rest: 8_000 };
/** Steps run in such a scope, so the exec trial of engines.sh does too. */
const SCOPE = "step/on-node/scope.sh";
const SCRIPTS = [
  SCOPE,
  ...["begin", "programs", "engines", "kernel"].map(onNode),
  // As stage looks at it.
  "step/on-node/template.sh",
  ...["places", "network", "shell-plugin", "end"].map(onNode),
];
const USER_SCRIPTS = [SCOPE, ...["begin", "engines", "kernel", "end"].map(onNode)];

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
  const nonce = randomBytes(9).toString("base64url");
  const answers: Answers = { told: new Map(), lost: new Map() };
  const words: string[] = [];
  const told = { ...env, ...settings(config) };
  const command = fluxExec(ranks, {
    argv:
      userid === undefined
        ? ["sh", "-c", script(), "usernetes", nonce]
        : [...asUser(userid, told), "sh", "-c", script(USER_SCRIPTS), "usernetes", nonce],
    env: told,
    timeoutMs: DEADLINE_MS,
  });
  // A flux exec to a broker that has just died does not end.
  const abandoned = new AbortController();
  const abandon = () => {
    abandoned.abort();
  };
  let quiet = setTimeout(abandon, QUIET_MS.atIt);
  const outcome = await run(command, {
    signal: abandoned.signal,
    onStderrLine: (line) => {
      if (!take(answers, line, nonce) && words.length < 200) words.push(line);
      clearTimeout(quiet);
      quiet = setTimeout(abandon, isAnyAtIt(answers) ? QUIET_MS.atIt : QUIET_MS.rest);
    },
  });
  clearTimeout(quiet);
  answers.lost = execErrors(words);
  // Flux refuses some calls as a whole.
  const late = outcome.timedOut || abandoned.signal.aborted;
  const whole = late ? "it does not answer" : (words.at(-1) ?? outcome.reason);
  for (const rank of ranks)
    if (!answers.told.has(rank) && !answers.lost.has(rank))
      answers.lost.set(rank, oneLine(whole || "it does not answer"));
  return answers;
}

/** As a step begins with run-as = "sudo": etc/sudoers.d/usernetes allows this, and no more. */
function asUser(userid: number, env: Record<string, string>): string[] {
  const seconds = String(DEADLINE_MS / 1000);
  const own = Object.entries(env).filter(([name]) => name !== "FLUX_URI");
  return [
    ...["sudo", "-n", "-u", `#${userid}`, "setpriv", "--pdeathsig", "TERM"],
    ...["timeout", "-k", "5", seconds, "env", "-i"],
    ...own.map(([name, value]) => `${name}=${value}`),
  ];
}

export function script(names = SCRIPTS): string {
  const read = (path: string) => readFileSync(packagePath("lib", path), "utf8");
  // Comments are for the reader here; they need not travel to every node.
  return names
    .map(read)
    .join("")
    .replace(/^\s*#.*\n/gm, "");
}

/** The script's settings; no value becomes part of its text. */
export function settings(config: Config): Record<string, string> {
  const engines = [config.engine, ...config.engines.filter((name) => name !== config.engine)];
  const { ports, interface: dev } = config;
  const numbers = Object.values(ports === "default" ? DEFAULT_PORTS : ports) as number[];
  // What a first cluster would have: whether the template has to take any is seen by them.
  const first = choosePorts(ports, []) ?? DEFAULT_PORTS;
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
    ...(dev === undefined ? {} : { USERNETES_INTERFACE: dev }),
  };
}

const isAnyAtIt = ({ told }: Answers): boolean =>
  [...told.values()].some((node) => !node.has("end"));

function take({ told }: Answers, line: string, nonce: string): boolean {
  const match = /^([0-9]+): (\S+) (\S+) (ok|no) ?(.*)$/.exec(line);
  if (match?.[2] !== nonce) return false;
  const rank = Number(match[1]);
  const node = told.get(rank) ?? new Map<string, Told>();
  node.set(match[3] ?? "", { ok: match[4] === "ok", words: oneLine(match[5] ?? "") });
  told.set(rank, node);
  return true;
}
