/**
 * Shows the steps of a bring-up or teardown while they run. A terminal gets one line per step,
 * redrawn when ranks start or end the step. Other output gets the lines of the log.
 */
import type { LogFields, Level } from "../log.js";
import { lookOf, type Env } from "./terminal.js";

interface Screen {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
}

export interface Follower {
  say: (level: Level, text: string, fields?: LogFields) => void;
  /** Prints a line, on a terminal above the lines of the steps. */
  note: (text: string) => void;
  end: () => void;
}

const SHOWN: Level[] = ["error", "warn", "info"];

export function followSteps(screen: Screen, env: Env = process.env): Follower {
  return lookOf(env, screen).redraws ? live(screen) : plain(screen);
}

function plain(screen: Screen): Follower {
  const note = (text: string): void => {
    screen.write(`${text}\n`);
  };
  return {
    say: (level, text) => {
      if (SHOWN.includes(level)) note(text);
    },
    note,
    end: () => undefined,
  };
}

/** The progress of one step: the result of each rank's last try. */
export interface Line {
  ranks: Map<number, "runs" | "ok" | "failed">;
  /** The slowest rank's time, in seconds. */
  seconds: number;
}

function live(screen: Screen): Follower {
  const lines = new Map<string, Line>();
  let drawn = 0;
  const erase = (): void => {
    if (drawn > 0) screen.write(`\u001b[${drawn}A\u001b[0J`);
    drawn = 0;
  };
  const draw = (): void => {
    // A terminal that does not know its width reports 0.
    const { columns = 0 } = screen;
    const width = (columns > 0 ? columns : 80) - 1;
    const text = [...lines].map(([step, line]) => describe(step, line).slice(0, width));
    erase();
    screen.write(text.map((line) => `${line}\n`).join(""));
    drawn = text.length;
  };
  const note = (text: string): void => {
    erase();
    screen.write(`${text}\n`);
    draw();
  };
  return {
    say: (level, text, fields) => {
      if (take(lines, fields)) draw();
      if (level === "error" || level === "warn") note(text);
    },
    note,
    end: () => {
      drawn = 0;
    },
  };
}

/**
 * Updates the lines from the fields of a log message. Returns whether the message is about a step.
 */
function take(lines: Map<string, Line>, fields: LogFields | undefined): boolean {
  const { step, ranks, status, seconds } = fields ?? {};
  if (typeof step !== "string" || !Array.isArray(ranks) || status === undefined) return false;
  const line: Line = lines.get(step) ?? { ranks: new Map(), seconds: 0 };
  lines.set(step, line);
  const now = status === "begins" ? "runs" : status === "ok" ? "ok" : "failed";
  for (const rank of ranks) line.ranks.set(rank, now);
  line.seconds = Math.max(line.seconds, Number(seconds ?? 0));
  return true;
}

/** `up                3 of 4, 1 runs            2.0 s` */
export function describe(step: string, { ranks, seconds }: Line): string {
  const count = (how: string) => [...ranks.values()].filter((each) => each === how).length;
  const [ok, failed, running] = [count("ok"), count("failed"), count("runs")];
  const parts = [`${ok} of ${ranks.size}`];
  if (failed > 0) parts.push(`${failed} failed`);
  if (running > 0) parts.push(`${running} ${running === 1 ? "runs" : "run"}`);
  return `${step.padEnd(18)}${parts.join(", ").padEnd(26)}${seconds > 0 ? `${seconds.toFixed(1)} s` : ""}`;
}
