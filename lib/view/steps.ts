/**
 * The progress of each step, from the record. Ranks with the same result are grouped. Pure: time is
 * an argument.
 */
import { hostNames, type Cluster } from "../cluster/state.js";
import { STEPS, type Step } from "../cluster/steps.js";
import { decodeIdset } from "../flux/idset.js";
import type { RecordEvent, StepProgress, StepStatus } from "../record/events.js";

export interface StepLine {
  step: Step;
  status: StepStatus | "running";
  ranks: number[];
  attempt: number;
  /** The slowest rank's time in seconds; for a step that runs, the time until `now`. */
  seconds: number;
  /** The note of the first rank: why its step is not ok, or what it waits for. */
  note: string;
  /** The number of other notes that its ranks have. */
  otherNotes: number;
}

interface OfRank {
  status: StepLine["status"];
  attempt: number;
  since: number;
  seconds: number;
  note: string;
}

interface Group {
  status: StepLine["status"];
  attempt: number;
  shortest: number;
  seconds: number;
  notes: Map<number, string>;
}

/**
 * The steps in the order of the table of steps. With `byNote`, ranks with different notes are
 * separate groups.
 */
export function stepLines(record: RecordEvent[], now: number, byNote = false): StepLine[] {
  const seen = new Map<Step, Map<number, OfRank>>();
  for (const event of record) {
    // A new claim restarts the bring-up.
    if (event.name === "claim") seen.clear();
    else if (event.name === "step-start" || event.name === "step-finish") note(seen, event);
    else if (event.name === "step-progress") noteProgress(seen, event.context);
  }
  return STEPS.flatMap((step) =>
    folded(seen.get(step) ?? new Map<number, OfRank>(), now, byNote)
      .map((group) => lineOf(step, group))
      .sort((a, b) => (a.ranks[0] ?? 0) - (b.ranks[0] ?? 0)),
  );
}

type StepEvent = Extract<RecordEvent, { name: "step-start" | "step-finish" }>;

function note(seen: Map<Step, Map<number, OfRank>>, event: StepEvent): void {
  const { step, ranks, attempt } = event.context;
  const byRank = seen.get(step) ?? new Map<number, OfRank>();
  seen.set(step, byRank);
  const finish = event.name === "step-finish" ? event.context : undefined;
  for (const rank of decodeIdset(ranks))
    byRank.set(rank, {
      status: finish?.status ?? "running",
      attempt,
      since: event.timestamp,
      seconds: finish?.seconds ?? 0,
      note: finish?.note ?? "",
    });
}

function noteProgress(seen: Map<Step, Map<number, OfRank>>, progress: StepProgress): void {
  for (const rank of decodeIdset(progress.ranks)) {
    const stepOfRank = seen.get(progress.step)?.get(rank);
    if (stepOfRank?.status === "running" && stepOfRank.attempt === progress.attempt)
      stepOfRank.note = progress.note;
  }
}

/**
 * Groups ranks with the same status and try. In a group, the longest time is at most twice the
 * shortest plus one second.
 */
function folded(ranks: Map<number, OfRank>, now: number, byNote: boolean): Group[] {
  const groups: Group[] = [];
  const each = [...ranks].map(([rank, { since, ...of }]) => ({
    ...of,
    rank,
    seconds: of.status === "running" ? Math.max(0, now - since) : of.seconds,
  }));
  const ordered = each.sort((a, b) => a.seconds - b.seconds || a.rank - b.rank);
  for (const { rank, note, status, attempt, seconds } of ordered) {
    const group = groups.find(
      (known) =>
        known.status === status &&
        known.attempt === attempt &&
        (!byNote || known.notes.values().next().value === note) &&
        seconds <= 2 * known.shortest + 1,
    );
    if (group) {
      group.seconds = seconds;
      group.notes.set(rank, note);
    } else {
      const notes = new Map([[rank, note]]);
      groups.push({ status, attempt, shortest: seconds, seconds, notes });
    }
  }
  return groups;
}

function lineOf(step: Step, { status, attempt, seconds, notes }: Group): StepLine {
  const ranks = [...notes.keys()].sort((a, b) => a - b);
  const note = notes.get(ranks[0] ?? 0) ?? "";
  const otherNotes = new Set(notes.values()).size - 1;
  return { step, status, ranks, attempt, seconds, note, otherNotes };
}

/** `host:path` of the full log of a step on its node. Undefined if the step has no log. */
export function logOf(cluster: Cluster, step: Step, rank: number): string | undefined {
  const { claim } = cluster;
  // These steps run in the daemon, which writes no log for them.
  if (!claim || step === "publish-join" || step === "remove-archive") return undefined;
  const host = hostNames(cluster, [rank]);
  return `${host}:${claim.workdir}/.usernetes/nodes/${rank}/${step}.log`;
}
