/**
 * What a cluster's steps have printed, from its nodes: one `flux exec` for all of
 * them, as the cluster's user. Lines come as they are told, without secrets.
 */
import { randomBytes } from "node:crypto";
import { STEPS, type Step } from "../cluster/steps.js";
import { fluxExec } from "../flux/exec.js";
import type { Run } from "../host/command.js";
import { plainLine } from "../record/notes.js";
import { execErrors, sudoRefusals } from "./reports.js";
import { logsScript } from "./scripts.js";
import { asUser, type As } from "./start-command.js";

/** Bytes that come of all nodes together, of one step; and at least of each. */
const ALL_MAX = 16 << 20;
const EACH_MIN = 64 << 10;
/** Characters of a line. */
const LINE_MAX = 2_000;

export interface Asked {
  jobid: bigint;
  ranks: readonly number[];
  steps: Step[];
  follow: boolean;
  /** The cluster's USERNETES_WORKDIR is in its environment. */
  as: As;
}

export interface NodeLine {
  rank: number;
  step: Step;
  /** Undefined: something before was cut off. */
  text: string | undefined;
}

export interface Answered {
  /** Ranks that have told all that they had. */
  ranks: Set<number>;
  /** Why others have not. */
  errors: Map<number, string>;
  /** Why none has, if it is no rank's own fault. */
  words: string;
}

/** With `follow`, until the signal comes. */
export async function readNodeLogs(
  run: Run,
  asked: Asked,
  { signal, onLine }: { signal?: AbortSignal; onLine: (line: NodeLine) => void },
): Promise<Answered> {
  const nonce = randomBytes(9).toString("base64url");
  const most = Math.max(EACH_MIN, Math.floor(ALL_MAX / asked.ranks.length));
  const how = [asked.jobid, most, asked.follow ? "follow" : "once"].map(String);
  const script = ["sh", "-c", logsScript(), "usernetes", nonce, ...how, ...asked.steps];
  const parts = new Parts(onLine);
  const ranks = new Set<number>();
  const failed = new Map<number, string>();
  const words: string[] = [];
  const outcome = await run(
    fluxExec(asked.ranks, asUser(asked.as, { nonce, first: "logs" }, script)),
    {
      ...(signal ? { signal } : {}),
      onStderrLine: (line) => {
        const told = parse(line, nonce);
        if (told === undefined) {
          if (words.length < 200 && !/^[0-9]+: $/.test(line)) words.push(line.slice(0, 4096));
        } else if ("why" in told) failed.set(told.rank, told.why);
        else if ("step" in told) parts.take(told);
        else if (told.found) ranks.add(told.rank);
      },
    },
  );
  parts.end();
  const errors = new Map([
    ...failed,
    ...execErrors(words),
    ...(asked.as.userid === undefined ? [] : sudoRefusals(words)),
  ]);
  return { ranks, errors, words: words.at(-1) ?? outcome.reason };
}

type Told = NodeLine | { rank: number; found: boolean } | { rank: number; why: string };

function parse(line: string, nonce: string): Told | undefined {
  const match = /^([0-9]+): (\S+) (log|cut|end|tail) (\S+) ?(.*)$/s.exec(line);
  if (!match || match[2] !== nonce) return undefined;
  const rank = Number(match[1]);
  // start.sh could not go on.
  if (match[3] === "tail") return { rank, why: plainLine(match[5] ?? "") };
  if (match[3] === "end") return { rank, found: match[4] === "yes" };
  const step = STEPS.find((name) => name === match[4]);
  if (step === undefined) return undefined;
  return { rank, step, text: match[3] === "cut" ? undefined : (match[5] ?? "") };
}

/** Puts the parts of each log together, and tells their lines. */
class Parts {
  /** By rank and step: a line that goes on. */
  private readonly torn = new Map<string, NodeLine & { text: string }>();

  constructor(private readonly onLine: (line: NodeLine) => void) {}

  take(part: NodeLine): void {
    const { rank, step, text } = part;
    if (text === undefined) {
      this.onLine(part);
      return;
    }
    const key = `${rank} ${step}`;
    const lines = ((this.torn.get(key)?.text ?? "") + text).split("\x1e");
    const rest = lines.pop() ?? "";
    if (rest === "") this.torn.delete(key);
    else this.torn.set(key, { rank, step, text: rest });
    for (const line of lines) this.tell({ rank, step, text: line });
  }

  /** A log whose last line has no end. */
  end(): void {
    for (const line of this.torn.values()) this.tell(line);
  }

  private tell({ text, ...of }: NodeLine & { text: string }): void {
    this.onLine({ ...of, text: plainLine(text, LINE_MAX) });
  }
}
