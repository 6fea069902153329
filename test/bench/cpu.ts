/** What processes have cost so far, from /proc. */
import { readFileSync } from "node:fs";

/** Of a clock tick in /proc/PID/stat, wherever Linux runs (USER_HZ). */
const TICK_S = 0.01;

/** Seconds of CPU, its own and the kernel's for it; not those of its children. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // Its name, in parentheses, may hold anything.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_S;
}
