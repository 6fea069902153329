/**
 * A call to the agents of some ranks. One `flux exec` carries the agent to the nodes, requests to
 * the agents, and their reports back. A call lasts until it is ended, its signal is aborted, or its
 * time is over.
 */
import { randomBytes } from "node:crypto";
import { fluxExec } from "../flux/exec.js";
import type { Input, Outcome, Run } from "../host/command.js";
import { agentSource } from "./agent-source.js";
import { parseReport, type Report, type Request } from "./protocol.js";

/**
 * Seconds that agents get beyond the limit of the call. After that, the user's processes are ended.
 */
const MARGIN_S = 10;
/** Maximum number of stderr lines that are not reports and are kept for error messages. */
const PROSE_MAX = 200;

export interface Called {
  ranks: readonly number[];
  /** The user whom requests run as, through sudo(8); undefined for the instance owner. */
  userid?: number | undefined;
  /** The environment of flux exec and of the agents. */
  env: Record<string, string>;
  /** Seconds that the call may take. */
  limitS: number;
}

export interface Listener {
  signal?: AbortSignal;
  onReport: (report: Report) => void;
  /** Called if flux exec could not reach a rank, or could not start an agent there. */
  onError?: (rank: number, why: string) => void;
}

export interface NodeCall {
  send: (request: Request) => void;
  /** Ends the requests. The call is over when the earlier requests have been carried out. */
  end: () => void;
  over: Promise<Ended>;
}

export interface Ended {
  outcome: Outcome;
  /** The reason why ranks have not answered, if flux exec printed no error for a single rank. */
  why: string;
}

/**
 * Starts a call. `first`: requests that the agents get as arguments. `flux exec` passes its stdin
 * on only when each rank has started, or when Flux knows that it cannot, which may take minutes for
 * a node that has just died. The other ranks get the first requests without that delay.
 */
export function callNodes(
  run: Run,
  called: Called,
  listener: Listener,
  first: readonly Request[] = [],
): NodeCall {
  const nonce = randomBytes(9).toString("base64url");
  const { ranks, userid, env, limitS } = called;
  const seconds = String(Math.ceil(limitS) + MARGIN_S);
  const user = [userid === undefined ? "" : String(userid), seconds];
  const argv = ["flux", "python", "-I", "-S", "-c", agentSource(), "usernetes-agent", nonce];
  // Python 3.6 decodes file names by the locale, and some names contain ƒ.
  const command = {
    argv: [...argv, ...user, ...first.map((request) => JSON.stringify(request))],
    env: { ...env, LC_ALL: "C.UTF-8" },
    timeoutMs: limitS * 1000,
  };
  const prose: string[] = [];
  let input: Input | undefined;
  const over = run(fluxExec(ranks, command, { input: true }), {
    ...(listener.signal ? { signal: listener.signal } : {}),
    onInput: (given) => {
      input = given;
    },
    onStderrLine: (line) => {
      const report = parseReport(line, nonce);
      if (report) {
        listener.onReport(report);
        return;
      }
      const text = line.slice(0, 4096);
      if (prose.length < PROSE_MAX && !/^[0-9]+: $/.test(text)) prose.push(text);
      const error = execError(text);
      if (error) listener.onError?.(error.rank, error.why);
    },
  }).then((outcome) => ({ outcome, why: whyEnded(outcome, prose, listener.signal) }));
  return {
    send: (request) => input?.write(JSON.stringify(request)),
    end: () => {
      input?.write(JSON.stringify({ do: "end" } satisfies Request));
      input?.end();
    },
    over,
  };
}

function whyEnded(outcome: Outcome, prose: string[], signal: AbortSignal | undefined): string {
  if (signal?.aborted) return "stopped";
  if (outcome.timedOut) return "flux exec timed out";
  const { exitCode, reason } = outcome;
  return prose.at(-1) ?? (reason || `flux exec ended with ${exitCode ?? "a signal"}`);
}

/**
 * Parses `flux-exec: Error: rank 3: COMMAND: No route to host`. COMMAND is the whole text of the
 * agent.
 */
export function execError(line: string): { rank: number; why: string } | undefined {
  const [, rank, rest = ""] = /^flux-exec: Error: rank ([0-9]+): (.*)$/s.exec(line) ?? [];
  if (rank === undefined) return undefined;
  return { rank: Number(rank), why: rest.split(": ").at(-1) ?? "" };
}
