/**
 * One job. Its events are folded into its state, and the state determines the next actions (RFC 21,
 * modelled on flux-core's job-manager/event.c). The functions here have no other effects.
 *
 * One counter counts prologs and epilogs. `prolog-*` events do not count while a start request is
 * pending (from the request until release). `epilog-*` events count only in CLEANUP.
 */
import type { Entry } from "./eventlog.js";
import type { Jobspec } from "./jobspec.js";
import type { JobOutput } from "./job-output.js";
import type { Allocation } from "./scheduler.js";

export type State = "NEW" | "DEPEND" | "PRIORITY" | "SCHED" | "RUN" | "CLEANUP" | "INACTIVE";

export interface Job {
  id: bigint;
  userid: number;
  urgency: number;
  jobspec: Jobspec;
  env: Record<string, string>;
  state: State;
  entries: Entry[];
  output: JobOutput;
  priority: number;
  allocation?: Allocation;
  expiration: number;
  perilogs: number;
  /** Whether the journal has the job, which it gets at validate, together with the submit event. */
  journaled: boolean;
  dependPosted: boolean;
  priorityPosted: boolean;
  queued: boolean;
  hasResources: boolean;
  startPending: boolean;
  started: boolean;
  freePosted: boolean;
  cleanPosted: boolean;
  annotations: Record<string, unknown>;
  exception?: { type: string; severity: number; note: string };
  waitstatus?: number;
  times: Partial<Record<"depend" | "priority" | "sched" | "run" | "cleanup" | "inactive", number>>;
  uri?: string;
}

export type Action = "depend" | "prioritize" | "enqueue" | "dequeue" | "start" | "free" | "clean";

function enter(job: Job, state: State, timestamp: number): void {
  job.state = state;
  job.times[state.toLowerCase() as keyof Job["times"]] ??= timestamp;
}

/** Merges annotations deeply. A null value removes a key. */
export function mergeAnnotations(
  into: Record<string, unknown>,
  from: Record<string, unknown>,
): void {
  for (const [key, value] of Object.entries(from)) {
    const old = into[key];
    if (value === null) Reflect.deleteProperty(into, key);
    else if (isObject(value)) {
      const inner = isObject(old) ? old : {};
      mergeAnnotations(inner, value);
      if (Object.keys(inner).length > 0) into[key] = inner;
    } else into[key] = value;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function foldEvent(job: Job, { name, timestamp, context = {} }: Entry): void {
  if (name.startsWith("prolog-")) {
    if (!job.startPending) countPerilog(job, name.slice(7));
    return;
  }
  if (name.startsWith("epilog-")) {
    if (job.state === "CLEANUP") countPerilog(job, name.slice(7));
    return;
  }
  switch (name) {
    case "validate":
      enter(job, "DEPEND", timestamp);
      break;
    case "depend":
      if (job.state === "DEPEND") enter(job, "PRIORITY", timestamp);
      break;
    case "priority":
      job.priority = context["priority"] as number;
      if (job.state === "PRIORITY") enter(job, "SCHED", timestamp);
      break;
    case "jobspec-update":
      if (job.state === "SCHED") requeue(job);
      break;
    case "urgency":
      job.urgency = context["urgency"] as number;
      if (job.state === "SCHED") requeue(job);
      break;
    case "alloc":
      job.hasResources = true;
      mergeAnnotations(job.annotations, (context["annotations"] ?? {}) as Record<string, unknown>);
      if (job.state === "SCHED") enter(job, "RUN", timestamp);
      break;
    case "memo":
      mergeAnnotations(job.annotations, { user: context });
      break;
    case "start":
      job.started = true;
      break;
    case "exception":
      foldException(job, context, timestamp);
      break;
    case "finish":
      job.waitstatus = context["status"] as number;
      if (job.state === "RUN") enter(job, "CLEANUP", timestamp);
      break;
    case "release":
      job.startPending = false;
      break;
    case "free":
      job.hasResources = false;
      break;
    case "clean":
      if (job.state === "CLEANUP") enter(job, "INACTIVE", timestamp);
      break;
  }
}

function requeue(job: Job): void {
  job.state = "PRIORITY";
  job.priorityPosted = false;
}

function countPerilog(job: Job, verb: string): void {
  if (verb === "start") job.perilogs++;
  else if (verb === "finish") job.perilogs = Math.max(0, job.perilogs - 1);
}

function foldException(job: Job, context: Record<string, unknown>, timestamp: number): void {
  const severity = context["severity"] as number;
  if (job.exception === undefined || severity < job.exception.severity)
    job.exception = {
      type: context["type"] as string,
      severity,
      note: context["note"] as string,
    };
  if (severity === 0 && job.state !== "INACTIVE" && job.state !== "NEW")
    enter(job, "CLEANUP", timestamp);
}

/** Returns the next actions. It may be called repeatedly. */
export function nextActions(job: Job): Action[] {
  switch (job.state) {
    case "DEPEND":
      return job.dependPosted ? [] : ["depend"];
    case "PRIORITY":
      return job.priorityPosted ? [] : ["dequeue", "prioritize"];
    case "SCHED":
      return job.queued ? [] : ["enqueue"];
    case "RUN":
      return job.perilogs > 0 || job.startPending || job.started ? [] : ["start"];
    case "CLEANUP": {
      const actions: Action[] = job.queued ? ["dequeue"] : [];
      if (job.perilogs > 0 || job.startPending) return actions;
      if (job.hasResources) return job.freePosted ? actions : [...actions, "free"];
      return job.cleanPosted ? actions : [...actions, "clean"];
    }
    default:
      return [];
  }
}
