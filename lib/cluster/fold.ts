/**
 * Folds events into a cluster's state: one function for the job's eventlog, and one for the record.
 * Both logs may be read again from the start after a restart. forgetRunning then drops the state
 * that only the memory of the earlier daemon had.
 */
import { decodeIdset } from "../flux/idset.js";
import type { Claim, RecordEvent, StepProgress } from "../record/events.js";
import { oneLine } from "../record/notes.js";
import { stepState, type Cluster, type Perilog } from "./state.js";
import { rowOf } from "./steps.js";

/** An entry of the job's primary eventlog (RFC 21). */
export interface JobEvent {
  timestamp: number;
  name: string;
  context?: Record<string, unknown>;
}

export function foldJobEvent(cluster: Cluster, event: JobEvent): void {
  const { job } = cluster;
  const context = event.context ?? {};
  switch (event.name) {
    case "alloc":
      job.allocAt = event.timestamp;
      return;
    case "start":
      job.startAt = event.timestamp;
      foldStartRequest(cluster);
      return;
    case "release":
      // A job that is canceled between its start request and its start has no start event.
      if (job.fatal) foldStartRequest(cluster);
      if (context["final"] === true) job.releaseAt = event.timestamp;
      return;
    case "finish":
      job.finishAt = event.timestamp;
      return;
    case "free":
      job.freeAt = event.timestamp;
      return;
    case "exception":
      if (context["severity"] === 0 && !job.fatal)
        job.fatal = {
          at: event.timestamp,
          type: text(context["type"]),
          note: text(context["note"]),
        };
      return;
    case "clean":
      job.clean = true;
      return;
    case "memo":
      foldMemo(cluster, event.timestamp, context["usernetes"]);
      return;
    case "jobspec-update": {
      const duration = context["attributes.system.duration"];
      if (typeof duration === "number") job.limits.push({ at: event.timestamp, seconds: duration });
      return;
    }
    default:
      foldPerilog(cluster, event.name, context);
  }
}

/** An unfinished prolog has not delayed the start: it was posted after the start request. */
function foldStartRequest({ job }: Cluster): void {
  if (job.prolog === "counted" && job.releaseAt === undefined) job.prolog = "late";
}

function foldPerilog({ job }: Cluster, name: string, context: Record<string, unknown>): void {
  const description = text(context["description"]);
  if (description !== "usernetes") {
    if (name === "prolog-start") job.otherPrologs.add(description);
    if (name === "prolog-finish") job.otherPrologs.delete(description);
    return;
  }
  const cleanup = job.finishAt !== undefined || job.fatal !== undefined;
  const counted: Perilog = job.startAt !== undefined && !job.releaseAt ? "late" : "counted";
  if (name === "prolog-start") job.prolog = counted;
  if (name === "prolog-finish") job.prolog = "finished";
  if (name === "epilog-start") job.epilog = cleanup ? "counted" : "late";
  if (name === "epilog-finish") job.epilog = "finished";
}

/**
 * A user's memo may have any content. `release` and `tasks` are requests. `tasks=done` comes from
 * the job's shell. The job's user can post it earlier, which only tears down their own cluster.
 */
function foldMemo({ job }: Cluster, timestamp: number, memo: unknown): void {
  const asked = memo as Partial<Record<string, unknown>> | undefined | null;
  if (asked?.["release"] === true || asked?.["release"] === "true") job.releasedAt ??= timestamp;
  if (asked?.["state"] === "waiting") job.waitsFor = text(asked["reason"]);
  // Before the start there are no tasks, and the hold must still be released.
  if (asked?.["tasks"] === "done" && job.startAt !== undefined) job.tasksDoneAt ??= timestamp;
}

/** Makes one safe line of a text from a user. */
function text(value: unknown): string {
  return typeof value === "string" ? oneLine(value) : "";
}

export function foldRecordEvent(cluster: Cluster, event: RecordEvent): void {
  switch (event.name) {
    case "claim":
      foldClaim(cluster, event.context);
      return;
    case "step-start":
    case "step-finish":
      foldStep(cluster, event);
      return;
    case "step-progress":
      foldProgress(cluster, event.context);
      return;
    case "settle":
      cluster.settle = event.context;
      cluster.settledAt = event.timestamp;
      return;
    case "teardown-start":
      cluster.teardown = event.context;
      return;
    case "down":
      cluster.down = event.context;
      cluster.firstDown ??= { at: event.timestamp, kept: event.context.kept === true };
      return;
  }
}

/** A claim with other ports or subnets restarts the bring-up. */
function foldClaim(cluster: Cluster, claim: Claim): void {
  const rounds = (claim: Claim | undefined) => claim?.avoid?.length ?? 0;
  if (cluster.claim && rounds(claim) <= rounds(cluster.claim)) return;
  if (cluster.claim) for (const ranks of cluster.steps.values()) ranks.clear();
  cluster.claim = claim;
}

function foldStep(
  cluster: Cluster,
  event: RecordEvent & { name: "step-start" | "step-finish" },
): void {
  const { step, ranks, attempt } = event.context;
  const finish = event.name === "step-finish" ? event.context : undefined;
  const byRank = cluster.steps.get(step);
  for (const rank of decodeIdset(ranks))
    byRank?.set(rank, {
      status: finish?.status ?? "running",
      attempt,
      at: event.timestamp,
      note: finish?.note ?? "",
      ...(finish?.fault === undefined ? {} : { fault: finish.fault }),
      ...(finish?.shared === undefined ? {} : { shared: finish.shared }),
    });
  if (step === "fetch-join" && finish?.status === "failed") forgetJoinCommand(cluster, attempt);
}

/**
 * Lets the lead make and publish the join command again before the next try of fetch-join: the
 * archive may be missing or damaged.
 */
function forgetJoinCommand(cluster: Cluster, attempt: number): void {
  const lead = cluster.claim?.lead ?? 0;
  const isLastTry = attempt >= (rowOf("fetch-join").attempts ?? 1);
  if (isLastTry || stepState(cluster, "publish-join", lead)?.status !== "ok") return;
  for (const step of ["join-command", "publish-join"] as const) cluster.steps.get(step)?.clear();
}

/** Ignores the progress of a try that has ended. */
function foldProgress(cluster: Cluster, { step, ranks, attempt, note }: StepProgress): void {
  for (const rank of decodeIdset(ranks)) {
    const running = stepState(cluster, step, rank);
    if (running?.status === "running" && running.attempt === attempt) running.note = note;
  }
}

/**
 * Resets steps after reading a record. No step runs any more, since its daemon has ended. A
 * join-command that was not published is lost with that daemon's memory. Both are repeated, and the
 * comment of each step explains why that is safe.
 */
export function forgetRunning(cluster: Cluster): void {
  for (const ranks of cluster.steps.values())
    for (const [rank, { status }] of ranks) if (status === "running") ranks.delete(rank);
  const lead = cluster.claim?.lead ?? 0;
  if (stepState(cluster, "publish-join", lead)?.status !== "ok")
    cluster.steps.get("join-command")?.clear();
}

/** Continues the teardown on the ranks with leftovers, which may be cleaned now. */
export function reopenTeardown(cluster: Cluster, left: number[]): void {
  for (const rank of left) cluster.steps.get("down-v")?.delete(rank);
  delete cluster.down;
}
