/** Reads from /proc the CPU time that a process has used so far. */
import { readFileSync } from "node:fs";

/** The seconds of a clock tick in /proc/PID/stat (USER_HZ). They are the same on every Linux. */
const TICK_S = 0.01;

/** Returns the seconds of CPU time, user and system, of a process without its children. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name in parentheses may contain any character.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_S;
}
