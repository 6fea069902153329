/**
 * What Flux tells anybody about one job's cluster, without the daemon: the job's
 * eventlog and jobspec and its record (`flux job info`), folded as the daemon does.
 * The instance's owner sees all jobs, a guest their own.
 */
import { foldJobEvent, foldRecordEvent, type JobEvent } from "../cluster/fold.js";
import { parseRequest } from "../cluster/request.js";
import { newCluster, type Cluster } from "../cluster/state.js";
import { CommandError, EXIT } from "../errors.js";
import { run } from "../host/runner.js";
import { parseEventlog, type RecordEvent } from "../record/events.js";
import { here, nameOf } from "./look.js";

const DEADLINE_MS = 20_000;

export interface SeenJob {
  cluster: Cluster;
  events: JobEvent[];
  record: RecordEvent[];
}

/** Throws a CommandError: no instance, no such job, or not this user's. */
export async function seeJob(jobid: bigint): Promise<SeenJob> {
  const [eventlog, jobspec, text] = await Promise.all([
    info(jobid, "eventlog"),
    info(jobid, "jobspec"),
    info(jobid, "usernetes.eventlog").catch(noRecord),
  ]);
  const events = parseEventlog<JobEvent>(eventlog);
  const record = parseEventlog<RecordEvent>(text);
  const userid = Number(events.find(({ name }) => name === "submit")?.context?.["userid"] ?? 0);
  const attributes = (JSON.parse(jobspec) as Jobspec).attributes ?? {};
  const asked = parseRequest(attributes.user ?? {});
  const duration = attributes.system?.duration ?? 0;
  const cluster = newCluster({ jobid, userid, asked, duration });
  for (const event of events) foldJobEvent(cluster, event);
  for (const event of record) foldRecordEvent(cluster, event);
  return { cluster, events, record };
}

interface Jobspec {
  attributes?: { user?: Record<string, unknown>; system?: { duration?: number } };
}

class NoKey extends CommandError {}

async function info(jobid: bigint, key: string): Promise<string> {
  const argv = ["flux", "job", "info", String(jobid), key];
  const env = process.env as Record<string, string>;
  const answer = await run({ argv, env, timeoutMs: DEADLINE_MS });
  if (answer.exitCode === 0) return answer.stdout;
  const words = (answer.stderr.trim() || answer.reason).split("\n").at(-1) ?? "";
  const name = nameOf(jobid, here());
  if (/invalid job id/.test(words)) throw new CommandError(EXIT.failed, `there is no job ${name}`);
  if (/key not found/.test(words)) throw new NoKey(EXIT.failed, `${name} has no ${key}`);
  if (/restricted/.test(words))
    throw new CommandError(EXIT.failed, `${name} is another user's: ${words}`);
  if (/Unable to connect|flux_open|No such file/.test(words) || answer.exitCode === undefined)
    throw new CommandError(EXIT.noInstance, `no Flux instance answers: ${words}; set FLUX_URI`);
  throw new CommandError(EXIT.failed, `${name}: ${words}`);
}

/** A job without a cluster has no record. */
function noRecord(error: unknown): string {
  if (error instanceof NoKey) return "";
  throw error;
}
