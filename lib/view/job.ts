/**
 * Reads from Flux what is known about one job's cluster, without the daemon: the job's eventlog,
 * jobspec and record (`flux job info`). They are folded as the daemon folds them. The instance
 * owner can read all jobs, a guest their own.
 */
import { foldJobEvent, foldRecordEvent, type JobEvent } from "../cluster/fold.js";
import { parseRequest } from "../cluster/request.js";
import { newCluster, type Cluster } from "../cluster/state.js";
import { CommandError, EXIT } from "../errors.js";
import { lastLine, noInstance } from "../flux/no-instance.js";
import { OUTPUT_MAX_FLUX } from "../host/command.js";
import type { Run } from "../host/command.js";
import { parseEventlog, type RecordEvent } from "../record/events.js";
import { entryKey, parseOpenCluster, type OpenCluster } from "../record/writer.js";
import { terminalLook, nameOf } from "./terminal.js";
import { INSTANCE } from "../usernetes/names.js";

const DEADLINE_MS = 20_000;
const RECORD = "usernetes.eventlog";

/** A cluster as read from Flux, and the events from which its state was folded. */
export interface SeenJob {
  cluster: Cluster;
  events: JobEvent[];
  record: RecordEvent[];
}

/**
 * Reads the cluster of a job. If Flux has purged the job, the cluster is read from its entry, if it
 * has one. Throws a CommandError if there is no instance or no such job, or if the job is another
 * user's.
 */
export async function seeJob(run: Run, jobid: bigint): Promise<SeenJob> {
  try {
    return await seeRecord(run, jobid);
  } catch (error) {
    const gone = error instanceof NoJob || error instanceof NoKey;
    const seen = gone ? await seeEntry(run, jobid) : undefined;
    if (seen) return seen;
    throw error;
  }
}

async function seeRecord(run: Run, jobid: bigint): Promise<SeenJob> {
  const [eventlog, jobspec, text] = await Promise.all([
    info(run, jobid, "eventlog"),
    info(run, jobid, "jobspec"),
    info(run, jobid, RECORD).catch(noRecord),
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

/** There is no such job, or it is another user's. */
export class NotSeen extends CommandError {}
class NoKey extends NotSeen {}
class NoJob extends NotSeen {}

async function info(run: Run, jobid: bigint, key: string): Promise<string> {
  const argv = ["flux", "job", "info", String(jobid), key];
  const env = process.env as Record<string, string>;
  const limits = { timeoutMs: DEADLINE_MS, outputMax: OUTPUT_MAX_FLUX };
  const answer = await run({ argv, env, ...limits });
  if (answer.exitCode === 0) return answer.stdout;
  const message = lastLine(answer);
  const name = nameOf(jobid, terminalLook());
  if (/invalid job id/.test(message)) throw new NoJob(EXIT.failed, `there is no job ${name}`);
  if (/key not found/.test(message)) {
    const hint = key === RECORD ? "" : ": it was purged, or there never was such a job";
    throw new NoKey(EXIT.failed, `${name} has no ${key}${hint}`);
  }
  if (/restricted/.test(message))
    throw new NotSeen(EXIT.failed, `${name} is another user's: ${message}`);
  const none = noInstance(answer, `flux job info ${name} ${key}`);
  if (none) throw none;
  throw new CommandError(EXIT.failed, `${name}: ${message}`);
}

/** A job without a cluster has no record. */
function noRecord(error: unknown): string {
  if (error instanceof NoKey) return "";
  throw error;
}

/**
 * Reads the cluster of a purged job from its entry. Undefined if there is no entry, or if this user
 * may not read it.
 */
export async function seeEntry(run: Run, jobid: bigint): Promise<SeenJob | undefined> {
  const text = await readKey(run, entryKey(jobid));
  const entry = text === undefined ? undefined : parseOpenCluster(text);
  return entry && seenOf(entry);
}

/** Makes the record from an entry. The job has ended, because Flux purges only inactive jobs. */
export function seenOf({ jobid, claim, left, kept, ...entry }: OpenCluster): SeenJob {
  const { claimedAt: timestamp = 0, downAt = timestamp } = entry;
  const down = { left: left ?? [], ...(kept ? { kept } : {}) };
  const record: RecordEvent[] = [
    { timestamp, name: "claim", context: claim },
    ...(left ? ([{ timestamp: downAt, name: "down", context: down }] as const) : []),
  ];
  const asked = parseRequest({ usernetes: "yes", ...(kept ? { usernetes_debug: "yes" } : {}) });
  const { userid } = claim;
  const cluster = newCluster({ jobid: BigInt(jobid), userid, asked, duration: 0 });
  cluster.job.clean = true;
  for (const event of record) foldRecordEvent(cluster, event);
  return { cluster, events: [], record };
}

/**
 * Reads the cluster of the whole instance. Undefined if there is no cluster, or if this user may
 * not read it.
 */
export async function seeInstance(run: Run): Promise<SeenJob | undefined> {
  const text = await readKey(run, RECORD);
  return text === undefined ? undefined : instanceOf(text);
}

/**
 * Reads a key of the primary namespace, which only the instance owner may read. Undefined if that
 * fails.
 */
async function readKey(run: Run, key: string): Promise<string | undefined> {
  const argv = ["flux", "kvs", "get", "--raw", key];
  // In a job, FLUX_KVS_NAMESPACE names the job's own namespace.
  const env = { ...(process.env as Record<string, string>), FLUX_KVS_NAMESPACE: "primary" };
  const limits = { timeoutMs: DEADLINE_MS, outputMax: OUTPUT_MAX_FLUX };
  const { exitCode, stdout } = await run({ argv, env, ...limits });
  return exitCode === 0 ? stdout : undefined;
}

/** Makes the instance's cluster from the text of its record. Undefined if it has no claim. */
export function instanceOf(text: string): SeenJob | undefined {
  const record = parseEventlog<RecordEvent>(text);
  const claim = record.find((event) => event.name === "claim");
  if (!claim) return undefined;
  const asked = parseRequest({ usernetes: "yes" });
  const { userid } = claim.context;
  const cluster = newCluster({ jobid: INSTANCE, userid, asked, duration: 0 });
  for (const event of record) foldRecordEvent(cluster, event);
  return { cluster, events: [], record };
}
