/**
 * The part of `status` about a cluster's steps: a table, what the cluster waits for, and failures.
 */
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
  // The lines are cut before they are painted: escape sequences take up no columns.
  return [
    heading,
    ...lines.map((line, index) => painted(line, steps[index]?.status ?? "ok", look)),
  ];
}

/**
 * A row of the table. The column for tries is left out if no step needed a second try, because a
 * terminal may be narrow.
 */
function tableRow(row: string[], isTried: boolean): string {
  const [step = "", status = "", ranks = "", time = "", tries = ""] = row;
  const left = [step.padEnd(16), status.padEnd(8), time.padStart(7)];
  // The ranks come last, because there may be many.
  return [...left, ...(isTried ? [tries.padStart(6)] : []), ranks].join(" ").trimEnd();
}

function painted(line: string, status: StepLine["status"], look: Look): string {
  return line.replace(` ${status} `, ` ${paint(status, PAINTS[status], look)} `);
}

/** What the cluster waits for, such as its running steps. Empty if it waits for nothing. */
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

/**
 * `, deadline 18:40:12`: the deadline of the bring-up, or of the try of the teardown that runs on
 * these ranks. Empty if there is no deadline.
 */
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

/** The steps whose last try failed, timed out or was lost. */
export function failedSteps(steps: StepLine[]): StepLine[] {
  return steps.filter(({ status }) => status !== "ok" && status !== "running");
}

/**
 * The failures: each with its saved last lines, and with the path of the full log as long as the
 * node has it.
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

/** The saved last lines of the step's last try. Each starts with its ranks, as in `logs`. */
function lastLines({ step, status, ranks, attempt }: StepLine, kept: KeptLog[]): string[] {
  const lines = kept
    .filter((log) => log.step === step && log.status === status && log.attempt === attempt)
    .flatMap((log) => [...log.lines].filter(([rank]) => ranks.includes(rank)));
  return foldLines(lines)
    .slice(-LAST)
    .map(({ ranks, text }) => `  ${encodeIdset([...ranks])}: ${text}`);
}

/** The most failures that are described. The table has all of them. */
const FAULTS = 5;

/** The most lines of a failed step. `logs` has the others. */
const LAST = 12;

/** `18:40:12`, in this machine's time zone. */
export function clockTime(seconds: number): string {
  const at = new Date(seconds * 1000);
  const parts = [at.getHours(), at.getMinutes(), at.getSeconds()];
  return parts.map((part) => String(part).padStart(2, "0")).join(":");
}
