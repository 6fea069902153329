/**
 * The last lines of each step, which are saved beside the record. The job's user and the instance
 * owner can read them from any node, also after the job.
 */
import { STEPS, type Step } from "../cluster/steps.js";
import type { Run } from "../host/command.js";
import type { RecordEvent } from "../record/events.js";
import { plainLine } from "../record/notes.js";
import { parseTails, type KeptTail } from "../record/step-tails.js";
import { INSTANCE } from "../usernetes/names.js";

const DEADLINE_MS = 20_000;
/**
 * The most characters of a line. Only the daemon should write these lines, but they are checked
 * like all other input.
 */
const LINE_MAX = 2_000;

export interface KeptLog {
  step: Step;
  attempt: number;
  status: string;
  note: string;
  /** The last lines of each rank, in the order in which they were printed. */
  lines: Map<number, string[]>;
  cut: string;
}

/**
 * Reads the saved lines of these steps, in the order of the table of steps. Steps that have not
 * ended according to the record are skipped.
 */
export async function keptLogs(
  run: Run,
  jobid: bigint,
  record: RecordEvent[],
  steps: readonly Step[],
): Promise<KeptLog[]> {
  const ended = new Set<Step>();
  for (const event of record) if (event.name === "step-finish") ended.add(event.context.step);
  const asked = STEPS.filter((step) => ended.has(step) && steps.includes(step));
  const texts = await Promise.all(asked.map((step) => read(run, jobid, step)));
  return asked.flatMap((step, index) => joined(step, parseTails(texts[index] ?? "")));
}

/**
 * Reads the saved text of a step. Empty if the step printed nothing, or if this user may not read
 * it.
 */
async function read(run: Run, jobid: bigint, step: Step): Promise<string> {
  const key = `usernetes.log.${step}`;
  const argv =
    jobid === INSTANCE
      ? ["flux", "kvs", "get", "--raw", key]
      : ["flux", "job", "info", String(jobid), key];
  const all = process.env as Record<string, string>;
  // In a job, FLUX_KVS_NAMESPACE names the job's own namespace.
  const env = jobid === INSTANCE ? { ...all, FLUX_KVS_NAMESPACE: "primary" } : all;
  const { exitCode, stdout } = await run({ argv, env, timeoutMs: DEADLINE_MS });
  return exitCode === 0 ? stdout : "";
}

/**
 * One log for all ranks that ended a try the same way, at any time. Text that an unconfirmed
 * commit has written twice appears once. A try of the same number with other text is a
 * different try: a new claim has restarted the count.
 */
export function joined(step: Step, tails: KeptTail[]): KeptLog[] {
  const logs: KeptLog[] = [];
  for (const tail of tails) {
    const { attempt, status, note } = tail;
    const same = logs.filter(
      (log) => log.attempt === attempt && log.status === status && log.note === note,
    );
    const fresh: KeptLog = { step, attempt, status, note, lines: new Map(), cut: tail.cut };
    for (const [rank, lines] of byRank(tail)) {
      if (same.some((log) => log.lines.get(rank)?.join("\n") === lines.join("\n"))) continue;
      const into = same.find((log) => !log.lines.has(rank)) ?? fresh;
      into.lines.set(rank, lines);
      if (tail.cut !== "" && into !== fresh) into.cut = tail.cut;
    }
    if (fresh.lines.size > 0) logs.push(fresh);
  }
  return logs;
}

function byRank({ ranks: all, lines }: KeptTail): Map<number, string[]> {
  // A try without output has ended too: its ranks get an empty list.
  const byRank = new Map<number, string[]>(lines.length === 0 ? all.map((rank) => [rank, []]) : []);
  for (const { ranks, text } of lines)
    for (const rank of ranks)
      byRank.set(rank, [...(byRank.get(rank) ?? []), plainLine(text, LINE_MAX)]);
  return byRank;
}
