/** The daemon's own log on stderr: JSON lines of pino, or readable lines on a terminal. */
import { pino, type DestinationStream, type Logger } from "pino";
import { CommandError, EXIT } from "../lib/errors.js";
import { oneLine } from "../lib/record/notes.js";
import type { Bridge } from "./bridge.js";
import type { Level } from "../lib/log.js";

export type Log = Logger;

/** Maximum characters that are kept until they can be written. */
const UNWRITTEN_MAX = 1 << 20;
const LEVELS = ["trace", "debug", "info", "warn", "error"];

/** Throws a CommandError if LOG_LEVEL is not a level. */
export async function createLog(): Promise<Log> {
  const level = process.env["LOG_LEVEL"] ?? "info";
  if (!LEVELS.includes(level))
    throw new CommandError(
      EXIT.usage,
      `LOG_LEVEL: found "${level}", allowed: ${LEVELS.join(", ")}`,
    );
  const options = {
    name: "usernetes",
    level,
    base: { pid: process.pid },
  };
  if (!process.stderr.isTTY) return pino(options, gathered(standardError()));
  const { default: pretty } = await import("pino-pretty");
  const colorize = process.env["NO_COLOR"] === undefined;
  return pino(
    options,
    pretty({ destination: 2, sync: true, colorize, ignore: "pid,name", hideObject: true }),
  );
}

/**
 * If stderr cannot be written, as on a full disk, the daemon continues. `flux dmesg` also has the
 * lines.
 */
function standardError(): DestinationStream {
  const to = pino.destination({ fd: 2, sync: true, maxLength: UNWRITTEN_MAX });
  to.on("error", () => undefined);
  return to;
}

/**
 * Writes the lines of one turn of the event loop together, before the next turn. Only kill -9 can
 * lose them.
 */
function gathered(to: DestinationStream): DestinationStream {
  let lines = "";
  const flush = () => {
    if (lines !== "") to.write(lines);
    lines = "";
  };
  process.on("exit", flush);
  return {
    write(line) {
      if (lines === "") setImmediate(flush);
      lines += line;
    },
  };
}

/** Maximum characters of a line. */
const LINE_MAX = 1_500;
/** syslog(3) priorities. Levels without a priority go to the daemon's own log only. */
const SYSLOG: Partial<Record<Level, number>> = { error: 3, warn: 4, info: 6, debug: 7 };

/** Makes one line without secrets. */
export const logLine = (text: string): string => oneLine(text, LINE_MAX);

/** Writes a line to `flux dmesg`. */
export function logToFlux(bridge: Pick<Bridge, "logLine">, level: Level, text: string): void {
  const priority = SYSLOG[level];
  if (priority !== undefined) bridge.logLine(priority, logLine(text));
}
