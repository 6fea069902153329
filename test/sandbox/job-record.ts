/** The job-list record of a job, which flux-jobs(1) and its --json print. */
import { userInfo } from "node:os";
import { encodeHostlist } from "../../lib/flux/hostlist.js";
import { encodeIdset } from "../../lib/flux/idset.js";
import { f58 } from "../../lib/flux/jobid.js";
import { now } from "./eventlog.js";
import type { Instance } from "./instance.js";
import type { Job } from "./job.js";
import { jobName, requestOf } from "./jobspec.js";
import { describeSignal } from "./signals.js";

export type JobRecord = Record<string, unknown>;

function resultOf(job: Job): string {
  if (job.exception?.severity === 0) {
    if (job.exception.type === "cancel") return "CANCELED";
    if (job.exception.type === "timeout") return "TIMEOUT";
    return "FAILED";
  }
  return job.waitstatus === 0 ? "COMPLETED" : "FAILED";
}

function tasksOf(job: Job): number {
  const { nodes, slots } = requestOf(job.jobspec);
  return slots * (nodes ?? 1);
}

function times(job: Job): JobRecord {
  const { depend, priority, sched, run, cleanup, inactive } = job.times;
  return {
    t_depend: depend,
    t_priority: priority,
    t_sched: sched,
    t_run: run,
    t_cleanup: cleanup,
    t_inactive: inactive,
  };
}

function placement(instance: Instance, job: Job): JobRecord {
  if (!job.allocation) return { nnodes: requestOf(job.jobspec).nodes };
  const ranks = [...job.allocation.cores.keys()];
  const cores = [...job.allocation.cores.values()].reduce((sum, list) => sum + list.length, 0);
  return {
    ncores: cores,
    nnodes: ranks.length,
    ranks: ranks.length > 1 ? `[${encodeIdset(ranks)}]` : encodeIdset(ranks),
    nodelist: encodeHostlist(ranks.map((rank) => instance.host(rank).name)),
  };
}

function outcome(job: Job): JobRecord {
  if (job.state !== "INACTIVE") return {};
  const status = job.waitstatus;
  const returncode = status === undefined ? -128 : status >> 8;
  const reason = returncode > 128 ? describeSignal(returncode - 128) : `Exit ${returncode}`;
  const { exception } = job;
  const why = exception
    ? exception.type === "timeout"
      ? "Timeout"
      : exception.type === "cancel"
        ? "Canceled"
        : `Exception: type=${exception.type} note=${exception.note}`
    : reason;
  const result = resultOf(job);
  return {
    success: result === "COMPLETED",
    result,
    waitstatus: status,
    returncode,
    inactive_reason: why,
  };
}

export function recordOf(instance: Instance, job: Job): JobRecord {
  const { run, cleanup } = job.times;
  const runtime = run === undefined ? undefined : (cleanup ?? now()) - run;
  const { exception } = job;
  return {
    ...times(job),
    duration: job.jobspec.attributes.system.duration,
    expiration: job.expiration > 0 ? job.expiration : undefined,
    t_remaining: job.state === "RUN" && job.expiration > 0 ? job.expiration - now() : undefined,
    name: jobName(job.jobspec),
    cwd: job.jobspec.attributes.system.cwd,
    ntasks: tasksOf(job),
    priority: job.priority,
    ...placement(instance, job),
    ...outcome(job),
    id: job.id,
    t_submit: job.entries[0]?.timestamp,
    state: job.state,
    status: job.state === "INACTIVE" ? resultOf(job) : job.state,
    username: userInfo().username,
    userid: job.userid,
    urgency: job.urgency,
    runtime,
    dependencies: [],
    jobid: f58(job.id),
    annotations: job.annotations,
    exception: exception ? { occurred: true, ...exception } : { occurred: false },
    uri: job.uri,
  };
}
