/** Parses the name of a cluster on the command line: a job ID, or `instance`. */
import type { Run } from "../host/command.js";
import { CommandError, EXIT } from "../errors.js";
import { INSTANCE } from "../usernetes/names.js";
import type { SeenJob } from "../view/job.js";
import { seeInstance, seeJob } from "../view/job.js";
import { jobidOf } from "./jobid-argument.js";

export async function clusterIdOf(run: Run, text: string): Promise<bigint> {
  return text === "instance" ? INSTANCE : jobidOf(run, text);
}

/**
 * Throws a CommandError if no instance answers, if the job or its cluster does not exist, or if
 * this user may not see it.
 */
export async function seeCluster(run: Run, jobid: bigint): Promise<SeenJob> {
  if (jobid !== INSTANCE) return seeJob(run, jobid);
  const seen = await seeInstance(run);
  if (seen) return seen;
  throw new CommandError(
    EXIT.failed,
    "there is no cluster for the whole instance, or none that this user may see (flux usernetes up makes one)",
  );
}
