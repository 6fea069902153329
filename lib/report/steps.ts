/**
 * How far each step is, from the record: ranks that are alike are told together.
 * Pure: time is an argument.
 */
import { hostOf, type Cluster } from "../cluster/state.js";
import { STEPS, type Step } from "../cluster/steps.js";
import { decodeIdset } from "../flux/idset.js";
import type { RecordEvent, StepStatus } from "../record/events.js";

export interface StepLine {
  step: Step;
  status: StepStatus | "running";
  ranks: number[];
  attempt: number;
  /** The slowest took so long; it runs for so long, as seen at `now`. */
  seconds: number;
  /** Of a step that is not ok. */
  note: string;
}

interface OfRank {
  status: StepLine["status"];
  attempt: number;
  since: number;
  seconds: number;
  note: string;
}

/** In the order in which steps are taken. */
export function stepLines(record: RecordEvent[], now: number): StepLine[] {
  const seen = new Map<Step, Map<number, OfRank>>();
  for (const event of record) {
    // A claim that is made anew begins the bring-up anew.
    if (event.name === "claim") seen.clear();
    else if (event.name === "step-start" || event.name === "step-finish") note(seen, event);
  }
  return STEPS.flatMap((step) => folded(step, seen.get(step) ?? new Map<number, OfRank>(), now));
}

type StepEvent = Extract<RecordEvent, { name: "step-start" | "step-finish" }>;

function note(seen: Map<Step, Map<number, OfRank>>, event: StepEvent): void {
  const { step, ranks, attempt } = event.context;
  const of = seen.get(step) ?? new Map<number, OfRank>();
  seen.set(step, of);
  const finish = event.name === "step-finish" ? event.context : undefined;
  for (const rank of decodeIdset(ranks))
    of.set(rank, {
      status: finish?.status ?? "running",
      attempt,
      since: event.timestamp,
      seconds: finish?.seconds ?? 0,
      note: finish?.note ?? "",
    });
}

/** Alike: the same status, try and note, and no more than twice as long. */
function folded(step: Step, ranks: Map<number, OfRank>, now: number): StepLine[] {
  const lines: StepLine[] = [];
  const each = [...ranks].map(([rank, { since, ...of }]) => ({
    ...of,
    rank,
    seconds: of.status === "running" ? Math.max(0, now - since) : of.seconds,
  }));
  const shortest = new Map<StepLine, number>();
  for (const { rank, ...of } of each.sort((a, b) => a.seconds - b.seconds || a.rank - b.rank)) {
    const line = lines.find(
      (known) =>
        known.status === of.status &&
        known.attempt === of.attempt &&
        known.note === of.note &&
        of.seconds <= 2 * (shortest.get(known) ?? 0) + 1,
    );
    if (line) Object.assign(line, { seconds: of.seconds, ranks: [...line.ranks, rank] });
    else {
      const begun: StepLine = { step, ranks: [rank], ...of };
      shortest.set(begun, of.seconds);
      lines.push(begun);
    }
  }
  for (const line of lines) line.ranks.sort((a, b) => a - b);
  return lines.sort((a, b) => (a.ranks[0] ?? 0) - (b.ranks[0] ?? 0));
}

/** Where the whole output of a step is: on its node. */
export function logOf(cluster: Cluster, step: Step, rank: number): string | undefined {
  const { claim } = cluster;
  // These are the daemon's own, and write none.
  if (!claim || step === "publish-join" || step === "remove-archive") return undefined;
  const host = hostOf(cluster, rank).replace(/ \(rank [0-9]+\)$/, "");
  return `${host}:${claim.workdir}/.usernetes/nodes/${host}/${step}.log`;
}
