/**
 * Reads the output of a cluster's steps from its nodes, in one call that runs as the cluster's
 * user. Each line is passed on when it is read, with its secrets masked.
 */
import { STEPS, type Step } from "../cluster/steps.js";
import type { Run } from "../host/command.js";
import { plainLine } from "../record/notes.js";
import { callNodes } from "../node/call.js";
import type { Report } from "../node/protocol.js";

/** Maximum bytes of one step for all nodes together, and the minimum for each node. */
const ALL_MAX = 16 << 20;
const EACH_MIN = 64 << 10;
/** Maximum characters of a line. */
const LINE_MAX = 2_000;

export interface LogRequest {
  jobid: bigint;
  ranks: readonly number[];
  steps: Step[];
  follow: boolean;
  /** The environment of the call, with the cluster's USERNETES_WORKDIR. */
  env: Record<string, string>;
  userid: number | undefined;
  limitS: number;
}

export interface NodeLine {
  rank: number;
  step: Step;
  /** The line; undefined in place of omitted earlier lines. */
  text: string | undefined;
}

export interface LogAnswers {
  /** Ranks that have sent all of their output. */
  ranks: Set<number>;
  /** The reason for each rank with an error. */
  errors: Map<number, string>;
  /** The reason why ranks did not answer, if no single rank has an error. */
  why: string;
}

/** Reads the logs. With `follow`, the call lasts until the signal is aborted. */
export async function readNodeLogs(
  run: Run,
  request: LogRequest,
  { signal, onLine }: { signal?: AbortSignal; onLine: (line: NodeLine) => void },
): Promise<LogAnswers> {
  const { ranks, steps, follow, env, userid, limitS } = request;
  const parts = new Parts(onLine);
  const answers: LogAnswers = { ranks: new Set(), errors: new Map(), why: "" };
  const waiting = new Set(ranks);
  const end = (rank: number): void => {
    if (waiting.delete(rank) && waiting.size === 0) call.end();
  };
  const onReport = (report: Report): void => {
    const { rank } = report;
    if (report.report === "log" || report.report === "cut") parts.take(report);
    else if (report.report === "logs") {
      if (report.found) answers.ranks.add(rank);
      end(rank);
    } else if (report.report === "refused" || report.report === "gone") {
      answers.errors.set(rank, report.text);
      end(rank);
    }
  };
  const onError = (rank: number, why: string): void => {
    answers.errors.set(rank, why);
    end(rank);
  };
  const listener = { onReport, onError, ...(signal ? { signal } : {}) };
  const first = {
    do: "logs" as const,
    env,
    jobid: String(request.jobid),
    bytes: Math.max(EACH_MIN, Math.floor(ALL_MAX / ranks.length)),
    follow,
    steps,
  };
  const call = callNodes(run, { ranks, env, userid, limitS }, listener, [first]);
  const { why } = await call.over;
  parts.end();
  return { ...answers, why };
}

/** Joins the parts of each log and passes on whole lines. */
class Parts {
  /** The incomplete last line, by rank and step. */
  private readonly torn = new Map<string, { rank: number; step: Step; text: string }>();

  constructor(private readonly onLine: (line: NodeLine) => void) {}

  take(report: Report & { report: "log" | "cut" }): void {
    const { rank } = report;
    const step = STEPS.find((name) => name === report.step);
    if (step === undefined) return;
    if (report.report === "cut") {
      this.onLine({ rank, step, text: undefined });
      return;
    }
    const key = `${rank} ${step}`;
    const lines = ((this.torn.get(key)?.text ?? "") + report.text).split("\n");
    const text = lines.pop() ?? "";
    if (text === "") this.torn.delete(key);
    else this.torn.set(key, { rank, step, text });
    for (const line of lines) this.pass({ rank, step, text: line });
  }

  /** Passes on last lines without a newline. */
  end(): void {
    for (const line of this.torn.values()) this.pass(line);
  }

  private pass({ text, ...where }: { rank: number; step: Step; text: string }): void {
    this.onLine({ ...where, text: plainLine(text, LINE_MAX) });
  }
}
