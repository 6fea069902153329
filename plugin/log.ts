/** The daemon's own log: pino, JSON lines; readable lines on a terminal. To stderr. */
import { pino, type Logger } from "pino";

export type Log = Logger;

export async function createLog(): Promise<Log> {
  const options = {
    name: "usernetes",
    level: process.env["LOG_LEVEL"] ?? "info",
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
