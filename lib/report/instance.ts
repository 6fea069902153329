/**
 * The cluster for a whole instance, reported as a job's is: its record is in the primary
 * namespace of the KVS, which only the instance's owner reads.
 */
import { foldRecordEvent } from "../cluster/fold.js";
import { parseRequest } from "../cluster/request.js";
import { newCluster } from "../cluster/state.js";
import { OUTPUT_MAX_FLUX } from "../host/command.js";
import { run } from "../host/runner.js";
import { parseEventlog, type RecordEvent } from "../record/events.js";
import { INSTANCE } from "../usernetes/names.js";
import type { SeenJob } from "./seen.js";

const DEADLINE_MS = 20_000;

/** Undefined if there is no cluster, or this user may not read it. */
export async function seeInstance(): Promise<SeenJob | undefined> {
  const argv = ["flux", "kvs", "get", "--raw", "usernetes.eventlog"];
  // Not in the namespace of a job that this is called in.
  const env = { ...(process.env as Record<string, string>), FLUX_KVS_NAMESPACE: "primary" };
  const { exitCode, stdout } = await run({
    ...{ argv, env, timeoutMs: DEADLINE_MS },
    outputMax: OUTPUT_MAX_FLUX,
  });
  return exitCode === 0 ? instanceOf(stdout) : undefined;
}

/** From the text of its record. */
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
