/**
 * The output of a cluster's steps: all of it from its nodes while the cluster exists, and the
 * saved lines of nodes that cannot send it (any more).
 */
import type { Cluster } from "../cluster/state.js";
import { hostOf } from "../cluster/state.js";
import type { Step } from "../cluster/steps.js";
import { nodeEnvironment } from "../host/environment.js";
import { run } from "../host/runner.js";
import { readNodeLogs, type LogRequest, type NodeLine } from "../node/logs.js";
import type { SeenJob } from "./seen.js";
import { keptLogs } from "./kept-logs.js";
import type { LogPrinter, Lines } from "./log-printer.js";

/** Seconds that all nodes may take to send their logs. */
const LIMIT_S = 120;

export interface Wanted {
  ranks: readonly number[];
  steps: Step[];
}

/** Whether its work directories are there, or may be, and on which of the ranks. */
export function inPlace({ claim, down }: Cluster, ranks: readonly number[]): readonly number[] {
  if (!claim) return [];
  return down && !down.kept ? ranks.filter((rank) => down.left.includes(rank)) : ranks;
}

/** How its nodes are asked. */
export function asked(cluster: Cluster, { ranks, steps }: Wanted, limitS = LIMIT_S): LogRequest {
  const { jobid, claim } = cluster;
  const userid = claim?.userid === process.getuid?.() ? undefined : claim?.userid;
  const env = { ...nodeEnvironment([]), USERNETES_WORKDIR: claim?.workdir ?? "" };
  return { jobid, ranks, steps, follow: false, env, userid, limitS };
}

export async function printLogs(
  { cluster, record }: SeenJob,
  { ranks, steps }: Wanted,
  out: { printer: LogPrinter; say: (words: string) => void },
): Promise<void> {
  const there = inPlace(cluster, ranks);
  const told = there.length > 0 ? await fromNodes(cluster, { ranks: there, steps }, out.say) : [];
  const kept = await keptLogs(cluster.jobid, record, steps);
  for (const step of steps) {
    const whole = byRank(told.filter((line) => line.step === step));
    out.printer.whole(step, whole);
    for (const log of kept.filter((log) => log.step === step))
      out.printer.kept(
        log,
        only(log.lines, (rank) => ranks.includes(rank) && !whole.has(rank)),
      );
  }
}

async function fromNodes(
  cluster: Cluster,
  wanted: Wanted,
  say: (words: string) => void,
): Promise<NodeLine[]> {
  const lines: NodeLine[] = [];
  const onLine = (line: NodeLine) => lines.push(line);
  const { ranks, errors, why: whole } = await readNodeLogs(run, asked(cluster, wanted), { onLine });
  if (ranks.size === 0 && lines.length === 0) {
    const why = [...errors.values()][0] ?? whole;
    say(
      `${why ? `cannot read logs from the nodes (${why})` : "no logs on the nodes"}; showing the saved last lines of each step`,
    );
  } else
    for (const [rank, why] of errors)
      say(`${hostOf(cluster, rank)}: ${why}; showing its saved last lines`);
  return lines;
}

function byRank(lines: NodeLine[]): Map<number, string[]> {
  const of = new Map<number, string[]>();
  for (const { rank, text } of lines) {
    const all = of.get(rank) ?? [];
    of.set(rank, all);
    all.push(text ?? "(cut: what it printed first)");
  }
  return of;
}

export function only(lines: Lines, is: (rank: number) => boolean): Map<number, readonly string[]> {
  return new Map([...lines].filter(([rank]) => is(rank)));
}
