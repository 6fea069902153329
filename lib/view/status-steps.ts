/** A cluster's steps as `status` prints them: a table, what it waits for, and the failures. */
import { isHeld, isOver, names, stepState, type Cluster } from "../cluster/state.js";
import { encodeIdset } from "../flux/idset.js";
import { foldLines } from "../record/fold-lines.js";
import type { KeptLog } from "./saved-logs.js";
import { INSTANCE } from "../usernetes/names.js";
import { logOf, type StepLine } from "./steps.js";
import { stateOf } from "./summary.js";
import { cut, fsd, nameOf, paint, PLAIN, type Look } from "./terminal.js";

const HEADING = ["STEP", "STATUS", "RANKS", "TIME", "TRIES"];

const PAINTS = {
  ok: "green",
  running: "blue",
  failed: "red",
  timeout: "red",
  lost: "red",
} as const;

export function stepTable(steps: StepLine[], look: Look): string[] {
  if (steps.length === 0) return [];
  const rows = steps.map(({ step, status, ranks, seconds, attempt }, index) => [
    steps[index - 1]?.step === step ? "" : step,
    ...[status, encodeIdset(ranks), fsd(seconds), attempt > 1 ? String(attempt) : ""],
  ]);
  const isTried = steps.some(({ attempt }) => attempt > 1);
  const [heading = "", ...lines] = [HEADING, ...rows].map((row) =>
    cut(tableRow(row, isTried), look),
  );
  // Cut before: what makes a colour takes no column.
  return [
    heading,
    ...lines.map((line, index) => painted(line, steps[index]?.status ?? "ok", look)),
  ];
}

/** A column for tries only where there are some: a terminal may be narrow. */
function tableRow(row: string[], isTried: boolean): string {
  const [step = "", status = "", ranks = "", time = "", tries = ""] = row;
  const left = [step.padEnd(16), status.padEnd(8), time.padStart(7)];
  // Ranks last: there may be many.
  return [...left, ...(isTried ? [tries.padStart(6)] : []), ranks].join(" ").trimEnd();
}

function painted(line: string, status: StepLine["status"], look: Look): string {
  return line.replace(` ${status} `, ` ${paint(status, PAINTS[status], look)} `);
}

/** Empty where nothing is waited for. */
export function waits(cluster: Cluster, steps: StepLine[], look = PLAIN): string[] {
  const running = steps.filter(({ status }) => status === "running");
  if (running.length > 0)
    return running.map(
      ({ step, ranks, seconds, note }) =>
        `waiting for ${step} on ${names(cluster, ranks)}: ${fsd(seconds)} so far${latest(cluster, ranks)}${note && `: ${note}`}`,
    );
  const state = stateOf(cluster);
  if (isHeld(cluster) && state === "held")
    return [
      `held for debugging; release it with flux usernetes release ${nameOf(cluster.jobid, look)}`,
    ];
  if (state !== "starting" && state !== "stopping") return [];
  const daemon =
    cluster.jobid === INSTANCE ? "" : ", or the daemon is down (check with flux usernetes ping)";
  return [`no step is running: a retry is pending${daemon}${latest(cluster)}`];
}

/** Until when a bring-up may take, or these ranks' try of a teardown. */
function latest(cluster: Cluster, ranks: number[] = []): string {
  const { claim, settle, teardown } = cluster;
  const started = stepState(cluster, "down-v", ranks[0] ?? -1);
  const until =
    started?.status === "running" && teardown?.timeout !== undefined
      ? started.at + teardown.timeout
      : settle || isOver(cluster)
        ? undefined
        : claim?.deadline;
  return until === undefined ? "" : `, deadline ${clockTime(until)}`;
}

/** The steps whose last try did not end well. */
export function failedSteps(steps: StepLine[]): StepLine[] {
  return steps.filter(({ status }) => status !== "ok" && status !== "running");
}

/**
 * The failures, with their saved last lines, and the path of the full log while the node has
 * it.
 */
export function failures(cluster: Cluster, steps: StepLine[], kept: KeptLog[] = []): string[] {
  const exists = !["gone", "left", "stopping"].includes(stateOf(cluster));
  const failed = failedSteps(steps);
  const blocks = failed.slice(0, FAULTS).flatMap((line) => {
    const { step, status, ranks, attempt } = line;
    const tries = attempt > 1 ? ` (${attempt} tries)` : "";
    const what = status === "failed" ? "failed" : status === "lost" ? "was lost" : "took too long";
    const log = exists ? logOf(cluster, step, ranks[0] ?? 0) : undefined;
    return [
      `${step} ${what} on ${names(cluster, ranks)}${tries}${noteOf(line)}`,
      ...lastLines(line, kept),
      ...(log === undefined ? [] : [`  full log: ${log}`]),
    ];
  });
  const more = failed.length - FAULTS;
  return more > 0 ? [...blocks, `and ${more} more failures`] : blocks;
}

function noteOf({ note, otherNotes, ranks }: StepLine): string {
  if (otherNotes === 0) return note && `: ${note}`;
  const others = otherNotes === 1 ? "another note" : `${otherNotes} other notes`;
  return `: ${note || "no note"} (rank ${ranks[0] ?? ""}), and ${others}`;
}

/** Of its last try, labelled by rank as `logs` has them. */
function lastLines({ step, status, ranks, attempt }: StepLine, kept: KeptLog[]): string[] {
  const lines = kept
    .filter((log) => log.step === step && log.status === status && log.attempt === attempt)
    .flatMap((log) => [...log.lines].filter(([rank]) => ranks.includes(rank)));
  return foldLines(lines)
    .slice(-LAST)
    .map(({ ranks, text }) => `  ${encodeIdset([...ranks])}: ${text}`);
}

/** The failures, in full; the table has the other steps. */
const FAULTS = 5;

/** Lines of a step that failed; `logs` has the others. */
const LAST = 12;

/** `18:40:12`, of this machine's time zone. */
export function clockTime(seconds: number): string {
  const at = new Date(seconds * 1000);
  const parts = [at.getHours(), at.getMinutes(), at.getSeconds()];
  return parts.map((part) => String(part).padStart(2, "0")).join(":");
}
