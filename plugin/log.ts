/** The daemon's own log: pino, JSON lines; readable lines on a terminal. To stderr. */
import { pino, type Logger } from "pino";
import { CommandError, EXIT } from "../lib/errors.js";

export type Log = Logger;

const LEVELS = ["trace", "debug", "info", "warn", "error"];

/** Throws a CommandError if LOG_LEVEL is none. */
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
  if (!process.stderr.isTTY) return pino(options, pino.destination({ fd: 2, sync: true }));
  const { default: pretty } = await import("pino-pretty");
  const colorize = process.env["NO_COLOR"] === undefined;
  return pino(
    options,
    pretty({ destination: 2, sync: true, colorize, ignore: "pid,name", hideObject: true }),
  );
}
