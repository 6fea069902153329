/**
 * Prints the output of a cluster's steps as it appears, until the cluster has settled or is down.
 * If the nodes' logs cannot be read (by a guest), it prints the saved lines of each step when the
 * step has ended.
 *
 * Promises: no line is printed twice. If a node could not send its output because its directory was
 * already removed, the saved lines are printed instead.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Cluster } from "../cluster/state.js";
import type { Run } from "../host/command.js";
import { readNodeLogs } from "./node-logs.js";
import type { SeenJob } from "./job.js";
import type { LogPrinter } from "./log-printer.js";
import { asked, inPlace, linesOfRanks, printLogs, type Wanted } from "./logs.js";
import { keptLogs } from "./saved-logs.js";

const PAUSE_MS = 1000;
/** The number of printed lines that are remembered for each rank and step. */
const REMEMBERED = 200;
/** Limit of the call to the nodes, in seconds: longer than any bring-up. */
const LIMIT_S = 7 * 86_400;

export interface Following {
  look: () => Promise<SeenJob>;
  /** Called once the cluster has its claim. */
  wanted: (cluster: Cluster) => Wanted;
  printer: LogPrinter;
  say: (text: string) => void;
  /** Called while the job waits for its cluster. Throws if the job will not get one. */
  onNone: (seen: SeenJob) => void;
}

export async function followLogs(run: Run, following: Following): Promise<void> {
  const { look, wanted: wantedOf, printer, say, onNone } = following;
  let seen = await look();
  for (; !seen.cluster.claim; seen = await look()) {
    onNone(seen);
    await sleep(PAUSE_MS);
  }
  const wanted = wantedOf(seen.cluster);
  const until = endOf(seen.cluster);
  if (until(seen.cluster)) {
    await printLogs(run, seen, wanted, { printer, say });
    return;
  }
  const printed = new PrintedLines(run, printer);
  const nodes = followNodes(run, seen.cluster, wanted, printed);
  let ended = 0;
  for (; !until(seen.cluster); seen = await look()) {
    if (!nodes.isOver()) await Promise.race([sleep(PAUSE_MS), nodes.over]);
    else {
      const now = seen.record.filter(({ name }) => name === "step-finish").length;
      if (now !== ended) await printed.makeUp(seen, wanted);
      ended = now;
      await sleep(PAUSE_MS);
    }
  }
  await nodes.stop();
  await printed.makeUp(seen, wanted);
}

/**
 * Returns whether to stop following. A settled cluster has no more output before its teardown, so a
 * cluster is followed until it has settled, or, if its teardown had already started, until it is
 * down.
 */
function endOf(first: Cluster): (cluster: Cluster) => boolean {
  const goesDown = first.teardown !== undefined;
  return ({ settle, down }) => down !== undefined || (!goesDown && settle !== undefined);
}

function followNodes(run: Run, cluster: Cluster, { ranks, steps }: Wanted, printed: PrintedLines) {
  const stop = new AbortController();
  const onNodes = inPlace(cluster, ranks);
  const how = { ...asked(cluster, { ranks: onNodes, steps }, LIMIT_S), follow: true };
  let isOver = onNodes.length === 0;
  const over = isOver
    ? Promise.resolve()
    : readNodeLogs(run, how, {
        signal: stop.signal,
        onLine: ({ step, rank, text }) => {
          if (text !== undefined) printed.line(step, rank, text);
        },
      }).then(() => {
        isOver = true;
      });
  return {
    over,
    isOver: () => isOver,
    stop: () => {
      stop.abort();
      return over;
    },
  };
}

class PrintedLines {
  private readonly last = new Map<string, string[]>();

  constructor(
    private readonly run: Run,
    private readonly printer: LogPrinter,
  ) {}

  line(step: NonNullable<Wanted["steps"][0]>, rank: number, text: string): void {
    this.remember(`${step} ${rank}`, [text]);
    this.printer.line(step, rank, text);
  }

  /** Prints the saved lines that were not printed yet. */
  async makeUp({ cluster, record }: SeenJob, { ranks, steps }: Wanted): Promise<void> {
    for (const log of await keptLogs(this.run, cluster.jobid, record, steps)) {
      const lines = new Map<number, readonly string[]>();
      for (const [rank, all] of linesOfRanks(log.lines, (rank) => ranks.includes(rank))) {
        const key = `${log.step} ${rank}`;
        const more = unknown(all, this.last.get(key) ?? []);
        if (more.length > 0) lines.set(rank, more);
        this.remember(key, more);
      }
      this.printer.kept(log, lines);
    }
  }

  private remember(key: string, lines: readonly string[]): void {
    this.last.set(key, [...(this.last.get(key) ?? []), ...lines].slice(-REMEMBERED));
  }
}

/** The lines after the last known one. Empty if the last line is known. */
export function unknown(lines: readonly string[], known: readonly string[]): readonly string[] {
  const end = lines.at(-1);
  if (end === undefined || known.includes(end)) return [];
  const last = known.at(-1);
  return last === undefined ? lines : lines.slice(lines.lastIndexOf(last) + 1);
}
