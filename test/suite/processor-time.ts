/**
 * The runner loads this into each test file. At the file's end, it prints the seconds of the
 * processor that the file used, with those of all processes that it started and waited for:
 * `# processor time: 12.34 s`.
 */
import { readFileSync } from "node:fs";

/** USER_HZ, which is 100 on all Linux machines. */
const TICKS_PER_S = 100;

/** Sums the times of this process and of its children: proc_pid_stat(5), fields 14 to 17. */
export function processorSeconds(): number {
  const stat = readFileSync("/proc/self/stat", "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return ticks / TICKS_PER_S;
}

process.on("exit", () => {
  process.stdout.write(`# processor time: ${processorSeconds().toFixed(2)} s\n`);
});
