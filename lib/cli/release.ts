/** `flux usernetes release`: releases a job that is held for debugging. */
import { isDebug, isHeld, isOver, type Cluster } from "../cluster/state.js";
import { CommandError, EXIT } from "../errors.js";
import type { Run } from "../host/command.js";
import { output } from "../host/command.js";
import { terminalLook, nameOf } from "../view/terminal.js";
import { seeJob } from "../view/job.js";
import { HelpedCommand } from "../help/command-help.js";
import { jobidOf } from "./jobid-argument.js";

const DEADLINE_MS = 20_000;

export function releaseCommand(run: Run): HelpedCommand {
  return new HelpedCommand({
    name: "release",
    summary: "release a job that is held for debugging",
    operands: { "<job>": "job ID, in any form" },
    details: [
      `The job's user and the instance owner can release it. The job starts if its cluster is
       ready, and fails if the cluster failed. The cluster is kept after the job has ended; flux
       usernetes clean JOB removes it.`,
    ],
    exits: { 0: "released", 1: "not held", 2: "wrong usage", 4: "no Flux instance" },
    examples: ["flux usernetes release ƒ2QT1HSJy5"],
  }).action(async (job: string) => {
    const jobid = await jobidOf(run, job);
    const { cluster } = await seeJob(run, jobid);
    const why = whyNotHeld(cluster);
    const name = nameOf(jobid, terminalLook());
    if (why) throw new CommandError(EXIT.failed, `${name} is not held: ${why}`);
    // A user can post this memo by hand, too. The daemon follows the job's events.
    const argv = ["flux", "job", "memo", String(jobid), "usernetes.release=true"];
    const env = process.env as Record<string, string>;
    await output(run, { argv, env, timeoutMs: DEADLINE_MS });
    process.stdout.write(`${name}: released\n`);
  });
}

/** Returns undefined if the job is held. */
function whyNotHeld(cluster: Cluster): string | undefined {
  const { job } = cluster;
  if (isOver(cluster)) return "it has ended";
  if (job.startAt !== undefined) return "it has started";
  if (!isDebug(cluster))
    return "it was submitted without --setattr=attributes.user.usernetes_debug=yes";
  if (job.releasedAt !== undefined) return "it was released before";
  return isHeld(cluster) ? undefined : "its cluster is still coming up";
}
