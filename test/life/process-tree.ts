/** A process with all its descendants, from /proc: their commands and their memory. */
import { readdirSync, readFileSync } from "node:fs";

export interface Process {
  pid: number;
  /** The arguments, separated by blanks. */
  command: string;
  /** Proportional set size: each shared page is divided among the processes that share it. */
  pssKb: number;
  /** Resident set size. */
  rssKb: number;
}

/** Returns the process and its descendants, without those that end meanwhile. */
export function processTree(root: number): Process[] {
  const tree: Process[] = [];
  const queue = [root];
  for (let pid = queue.shift(); pid !== undefined; pid = queue.shift()) {
    const rollup = read(`/proc/${pid}/smaps_rollup`);
    const [pss, rss] = ["Pss", "Rss"].map((what) => kb(rollup, what));
    const command = read(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim();
    if (pss && rss) tree.push({ pid, command, pssKb: pss, rssKb: rss });
    queue.push(...childrenOf(pid));
  }
  return tree;
}

const kb = (rollup: string, what: string): number =>
  Number(new RegExp(`^${what}: +([0-9]+) kB$`, "m").exec(rollup)?.[1] ?? 0);

function childrenOf(pid: number): number[] {
  const tasks = list(`/proc/${pid}/task`);
  const words = tasks.flatMap((task) => read(`/proc/${pid}/task/${task}/children`).split(" "));
  return words.filter(Boolean).map(Number);
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

function list(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
