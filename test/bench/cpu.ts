/** What processes have cost so far, from /proc. */
import { readFileSync } from "node:fs";

/** The seconds of a clock tick in /proc/PID/stat, on every Linux (USER_HZ). */
const TICK_S = 0.01;

/** Seconds of CPU in the process and in the kernel for it, without its children. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name in parentheses may contain any character.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_S;
}
