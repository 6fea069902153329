/**
 * The output of a cluster's steps: the full logs from its nodes while the cluster exists
 * (node-logs.ts), and the saved lines of nodes that cannot send their logs (saved-logs.ts).
 */
import type { Cluster } from "../cluster/state.js";
import { hostOf } from "../cluster/state.js";
import type { Step } from "../cluster/steps.js";
import { nodeEnvironment } from "../host/environment.js";
import type { Run } from "../host/command.js";
import { readNodeLogs, type LogRequest, type NodeLine } from "./node-logs.js";
import { keptLogs } from "./saved-logs.js";
import type { SeenJob } from "./job.js";
import type { Lines, LogPrinter } from "./log-printer.js";

/** Limit of the call that reads the logs of all nodes, in seconds. */
const LIMIT_S = 120;

export interface Wanted {
  ranks: readonly number[];
  steps: Step[];
}

/**
 * The ranks whose work directories may exist. After a teardown these are the ranks with leftovers,
 * or all ranks if the cluster was kept for debugging.
 */
export function inPlace({ claim, down }: Cluster, ranks: readonly number[]): readonly number[] {
  if (!claim) return [];
  return down && !down.kept ? ranks.filter((rank) => down.left.includes(rank)) : ranks;
}

/**
 * The request to the nodes for their logs. If this process runs as another user than the cluster's,
 * `userid` is the cluster's user.
 */
export function asked(cluster: Cluster, { ranks, steps }: Wanted, limitS = LIMIT_S): LogRequest {
  const { jobid, claim } = cluster;
  const userid = claim?.userid === process.getuid?.() ? undefined : claim?.userid;
  const env = { ...nodeEnvironment([]), USERNETES_WORKDIR: claim?.workdir ?? "" };
  return { jobid, ranks, steps, follow: false, env, userid, limitS };
}

export async function printLogs(
  run: Run,
  { cluster, record }: SeenJob,
  { ranks, steps }: Wanted,
  out: { printer: LogPrinter; say: (text: string) => void },
): Promise<void> {
  const onNodes = inPlace(cluster, ranks);
  const nodeLines =
    onNodes.length > 0 ? await fromNodes(run, cluster, { ranks: onNodes, steps }, out.say) : [];
  const kept = await keptLogs(run, cluster.jobid, record, steps);
  for (const step of steps) {
    const nodeLog = byRank(nodeLines.filter((line) => line.step === step));
    out.printer.nodeLog(step, nodeLog);
    for (const log of kept.filter((log) => log.step === step))
      out.printer.kept(
        log,
        linesOfRanks(log.lines, (rank) => ranks.includes(rank) && !nodeLog.has(rank)),
      );
  }
}

async function fromNodes(
  run: Run,
  cluster: Cluster,
  wanted: Wanted,
  say: (text: string) => void,
): Promise<NodeLine[]> {
  const lines: NodeLine[] = [];
  const onLine = (line: NodeLine) => lines.push(line);
  const {
    ranks,
    errors,
    why: failure,
  } = await readNodeLogs(run, asked(cluster, wanted), { onLine });
  if (ranks.size === 0 && lines.length === 0) {
    const why = [...errors.values()][0] ?? failure;
    say(
      `${why ? `cannot read logs from the nodes (${why})` : "no logs on the nodes"}; showing the saved last lines of each step`,
    );
  } else
    for (const [rank, why] of errors)
      say(`${hostOf(cluster, rank)}: ${why}; showing its saved last lines`);
  return lines;
}

function byRank(lines: NodeLine[]): Map<number, string[]> {
  const byRank = new Map<number, string[]>();
  for (const { rank, text } of lines) {
    const all = byRank.get(rank) ?? [];
    byRank.set(rank, all);
    all.push(text ?? "(cut: what it printed first)");
  }
  return byRank;
}

export function linesOfRanks(
  lines: Lines,
  isWanted: (rank: number) => boolean,
): Map<number, readonly string[]> {
  return new Map([...lines].filter(([rank]) => isWanted(rank)));
}
