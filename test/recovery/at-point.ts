/**
 * Strikes the daemon at an exact point of a job's life, without any hook in the daemon.
 * NODE_OPTIONS=--import loads this file into the daemon's process.
 *
 * A point is a line about a job that the daemon is about to write to its own log. Points are
 * numbered in order. The daemon logs each effect before it starts and when it has ended, so there
 * is a point before and after every effect. Log lines of one turn of the event loop count as one
 * point if no effect starts between them.
 *
 * The variable USERNETES_POINT has the strike and its point. The daemon's child processes get
 * neither this variable nor NODE_OPTIONS.
 */
import { spawnSync } from "node:child_process";
import fs from "node:fs";

/** What happens at a point. */
export type Strike =
  /** The daemon is killed with kill -9. */
  | "die"
  /** The job is canceled, and the daemon continues or is killed. */
  | "cancel"
  | "cancel twice"
  | "cancel and die"
  /** The daemon's child processes whose command contains the word are killed with kill -9. */
  | { kill: string };

export interface Point {
  /** The number of the point, from 1. With 0, nothing happens. */
  at: number;
  strike: Strike;
  /** The file that gets a line for each point, and `struck N` after the strike. */
  report: string;
}

/** The child processes whose command contains the word. */
function childrenOf(parent: number, word: string): number[] {
  return fs.readdirSync("/proc").flatMap((name) => {
    if (!/^[0-9]+$/.test(name)) return [];
    try {
      const stat = fs.readFileSync(`/proc/${name}/stat`, "utf8");
      if (/.*\) . ([0-9]+) /.exec(stat)?.[1] !== String(parent)) return [];
      return fs.readFileSync(`/proc/${name}/cmdline`, "utf8").includes(word) ? [Number(name)] : [];
    } catch {
      // The process has ended.
      return [];
    }
  });
}

/** Strikes, and returns the number of strikes: the killed children, or 1. */
function strike(what: Strike, job: string): number {
  if (typeof what === "object") {
    const meant = childrenOf(process.pid, what.kill);
    for (const pid of meant) process.kill(pid, "SIGKILL");
    return meant.length;
  }
  const cancel = () => spawnSync("flux", ["cancel", job], { stdio: "ignore" });
  if (what !== "die") cancel();
  if (what === "cancel twice") cancel();
  return 1;
}

function watch({ at, strike: what, report }: Point): void {
  let points = 0;
  let between = true;
  const onLine = (line: string): void => {
    const job = /"job":"([^"]+)"/.exec(line)?.[1];
    if (job === undefined) return;
    if (between) {
      between = false;
      setImmediate(() => (between = true));
      fs.appendFileSync(report, `${/"msg":"(.*)"/.exec(line)?.[1] ?? ""}\n`);
      if (++points === at) {
        fs.appendFileSync(report, `struck ${strike(what, job)}\n`);
        if (what === "die" || what === "cancel and die") process.kill(process.pid, "SIGKILL");
      }
    }
    // An effect starts after this line, so a later line of this turn is a new point.
    if (/"effect":.*"status":"begins"/.test(line)) between = true;
  };
  const write = fs.writeSync.bind(fs) as (...args: unknown[]) => number;
  const watched = (fd: number, data: unknown, ...rest: unknown[]): number => {
    if (fd === 2 && typeof data === "string") onLine(data);
    return write(fd, data, ...rest);
  };
  fs.writeSync = watched;
}

const asked = process.env["USERNETES_POINT"];
if (asked !== undefined) {
  delete process.env["USERNETES_POINT"];
  delete process.env["NODE_OPTIONS"];
  watch(JSON.parse(asked) as Point);
}
