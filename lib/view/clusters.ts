/**
 * The clusters of an instance. `flux jobs`, with its own filters, and the entries in the KVS give
 * the jobs that may have a cluster; the jobs' records show which of them have one. The memo that
 * `flux jobs` shows can be written by the job's user, so it only limits how many jobs are read.
 */
import { CommandError, EXIT } from "../errors.js";
import { lastLine, noInstance } from "../flux/no-instance.js";
import { OUTPUT_MAX_FLUX } from "../host/command.js";
import type { Run } from "../host/command.js";
import { INSTANCE } from "../usernetes/names.js";
import { NotSeen, seeInstance, seeJob } from "./job.js";
import { summarize, type Summary } from "./summary.js";

const DEADLINE_MS = 30_000;
/** The number of jobs that are read at the same time. Each of them takes three processes. */
const AT_ONCE = 8;
/** The first character of the annotation shows whether the job has the memo. */
const FORMAT = "{id.dec} {userid} {username} {annotations.user.usernetes!r:.1}";

export interface Wanted {
  /** Arguments for `flux jobs`. */
  filters: string[];
  /** The most jobs to read. 0: no limit, as for jobs that are named, to which no filter applies. */
  count: number;
  /**
   * Whether to include the clusters to which no filter applies: the instance's, and all that have
   * an entry in the KVS, such as those of ended jobs with leftovers.
   */
  open: boolean;
  /** Called with each warning for the user. */
  warn: (text: string) => void;
}

/**
 * The clusters that this user may read. Throws a CommandError if there is no instance, or if
 * `flux jobs` refuses a filter.
 */
export async function seeClusters(run: Run, wanted: Wanted): Promise<Summary[]> {
  const { open } = wanted;
  const users = await jobsWithMemo(run, wanted);
  if (open)
    for (const jobid of await openClusters(run)) if (!users.has(jobid)) users.set(jobid, "");
  const jobs = [...users].filter(([jobid]) => jobid !== INSTANCE);
  const seen = await concurrently(jobs, ([jobid, user]) => see(run, jobid, user, wanted.warn));
  const instance = open ? await seeInstance(run) : undefined;
  if (instance) seen.push(summarize(instance, await userName(run, instance.cluster.userid)));
  return seen.filter((summary) => summary !== undefined);
}

async function see(
  run: Run,
  jobid: bigint,
  user: string,
  warn: Wanted["warn"],
): Promise<Summary | undefined> {
  try {
    const seen = await seeJob(run, jobid);
    return summarize(seen, user || (await userName(run, seen.cluster.userid)));
  } catch (error) {
    if (!(error instanceof CommandError && error.status === EXIT.failed)) throw error;
    // A NotSeen is not reported: the job is another user's, or was purged in the meantime. Any
    // other failure is reported, and does not hide the other jobs.
    if (!(error instanceof NotSeen)) warn(error.message);
    return undefined;
  }
}

/** The users of the jobs with a `usernetes` memo. */
async function jobsWithMemo(
  run: Run,
  { filters, count, warn }: Wanted,
): Promise<Map<bigint, string>> {
  // One more job than `count` shows that the list was truncated.
  const most = filters.includes("--") ? [] : [`--count=${count > 0 ? count + 1 : 0}`];
  const argv = ["flux", "jobs", "--no-header", `--format=${FORMAT}`, ...most, ...filters];
  const limits = { timeoutMs: DEADLINE_MS, outputMax: OUTPUT_MAX_FLUX };
  const answer = await run({ argv, env: environment(), ...limits });
  const none = noInstance(answer, "flux jobs");
  if (none) throw none;
  const message = lastLine(answer);
  if (answer.exitCode !== 0 && answer.stdout === "")
    throw new CommandError(EXIT.usage, message.replace(/^flux-jobs: (ERROR|error): /, ""));
  for (const line of answer.stderr.split("\n")) if (line) warn(line.replace(/^flux-jobs: /, ""));
  const lines = answer.stdout.split("\n").filter((line) => line !== "");
  const isCut = count > 0 && lines.length > count;
  if (isCut)
    warn(
      `only the first ${count} jobs were examined: use --count or a filter of flux usernetes list`,
    );
  const found = new Map<bigint, string>();
  for (const line of isCut ? lines.slice(0, count) : lines) {
    const [, jobid, user] = /^([0-9]+) [0-9]+ (\S+) \S$/.exec(line) ?? [];
    if (jobid !== undefined) found.set(BigInt(jobid), user ?? "");
  }
  return found;
}

/** The job IDs of all entries in the KVS. Empty for a guest, who may not read them. */
async function openClusters(run: Run): Promise<bigint[]> {
  const argv = ["flux", "kvs", "ls", "-1", "usernetes.cluster"];
  const env = { ...environment(), FLUX_KVS_NAMESPACE: "primary" };
  const limits = { timeoutMs: DEADLINE_MS, outputMax: OUTPUT_MAX_FLUX };
  const { exitCode, stdout } = await run({ argv, env, ...limits });
  const names = exitCode === 0 ? stdout.split("\n") : [];
  return names.flatMap((name) => {
    const jobid = /(?:^|\.)([0-9]+)$/.exec(name)?.[1];
    return jobid === undefined ? [] : [BigInt(jobid)];
  });
}

/** The name of a user, or the user ID as text if the user has no name. */
export async function userName(run: Run, userid: number): Promise<string> {
  const argv = ["id", "-nu", String(userid)];
  const { exitCode, stdout } = await run({ argv, env: environment(), timeoutMs: DEADLINE_MS });
  return exitCode === 0 ? stdout.trim() : String(userid);
}

const environment = () => process.env as Record<string, string>;

async function concurrently<T, R>(items: T[], act: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const queue = items.entries();
  const work = async () => {
    for (const [index, item] of queue) results[index] = await act(item);
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, work));
  return results;
}
