/**
 * A cluster whose job Flux has purged, and with it the record: as much of it as its
 * entry among the open clusters has. Only the instance's owner reads these.
 */
import { foldRecordEvent } from "../cluster/fold.js";
import { parseRequest } from "../cluster/request.js";
import { newCluster } from "../cluster/state.js";
import { run } from "../host/runner.js";
import type { RecordEvent } from "../record/events.js";
import { entryKey, parseOpenCluster, type OpenCluster } from "../record/writer.js";
import type { SeenJob } from "./seen.js";

const DEADLINE_MS = 20_000;

/** Undefined: it has no entry, or this user may not read it. */
export async function seeEntry(jobid: bigint): Promise<SeenJob | undefined> {
  const argv = ["flux", "kvs", "get", "--raw", entryKey(jobid)];
  // Not in the namespace of a job that this is called in.
  const env = { ...(process.env as Record<string, string>), FLUX_KVS_NAMESPACE: "primary" };
  const { exitCode, stdout } = await run({ argv, env, timeoutMs: DEADLINE_MS });
  const entry = exitCode === 0 ? parseOpenCluster(stdout) : undefined;
  return entry && seenOf(entry);
}

/** With a record made from the entry. Its job has ended, or it would not be purged. */
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
