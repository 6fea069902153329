/** Where a phase's time went, and what of it did not end well, in sentences. Pure. */
import { names, type Cluster } from "../cluster/state.js";
import { fsd } from "./look.js";
import { sumsOf, type Phase } from "./timeline.js";

/** Hundredths, where they are to be seen. */
export function exact(seconds: number): string {
  return seconds < 60 ? `${seconds.toFixed(2)}s` : fsd(seconds);
}

/** Where the time went. */
export function sums(cluster: Cluster, phase: Phase): string[] {
  const { before, steps, between, after, total } = sumsOf(phase);
  if (phase.chain.length === 0) return [];
  const so = phase.open ? " so far" : "";
  const gap = longestGap(phase);
  const parts = [
    `longest chain (*): ${exact(steps)} of ${exact(total)}${so}, ${phase.from} to ${phase.to}`,
    `not in its steps: ${exact(before)} before, ${exact(between)} between${gap}, ${exact(after)} after them`,
  ];
  const last = phase.chain.map(({ row }) => row).at(-1);
  if (phase.open && last?.status === "running")
    parts.push(
      `waiting for ${last.step} on ${some(cluster, last.ranks)}${last.note && `: ${last.note}`}`,
    );
  return ["", ...parts];
}

/** Only if it is worth mentioning. */
function longestGap({ chain }: Phase): string {
  let most = 0.5;
  let text = "";
  for (const [index, link] of chain.entries()) {
    const gap = link.begin - (chain[index - 1]?.end ?? link.begin);
    if (gap <= most) continue;
    most = gap;
    const again = link.row.attempt > 1 ? `, try ${link.row.attempt}` : "";
    text = ` (${exact(gap)} before ${link.row.step}${again})`;
  }
  return text;
}

/** However many they are. */
function some(cluster: Cluster, ranks: number[]): string {
  const text = names(cluster, ranks);
  return text.length > 60 ? `${ranks.length} nodes (rank ${ranks[0] ?? ""} and others)` : text;
}

const FAULTS = 5;

export function faults(cluster: Cluster, { rows }: Phase): string[] {
  const bad = rows.filter(({ status }) => status !== "ok" && status !== "running");
  const lines = bad.slice(0, FAULTS).map(({ step, ranks, attempt, status, note }) => {
    const again = attempt > 1 ? `, try ${attempt}` : "";
    return `${step}: ${status} on ${some(cluster, ranks)}${again}${note && `: ${note}`}`;
  });
  const more = bad.length - FAULTS;
  return more > 0 ? [...lines, `and ${more} more failures`] : lines;
}
