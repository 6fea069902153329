/** `flux usernetes wait`: waits until a cluster has settled, for scripts. */
import type { Run } from "../host/command.js";
import { CommandError, EXIT } from "../errors.js";
import { parseFsd } from "../flux/fsd.js";
import { terminalLook, nameOf } from "../view/terminal.js";
import { clusterIdOf } from "./cluster-argument.js";
import { HelpedCommand } from "../help/command-help.js";
import { settled } from "./settled.js";

export function waitCommand(run: Run): HelpedCommand {
  return new HelpedCommand({
    name: "wait",
    summary: "wait until a cluster is ready, or has failed",
    operands: {
      "<cluster>": "job ID, in any form, or `instance` for the cluster of the whole instance",
    },
    options: { "-t, --timeout <fsd>": "fail if the cluster is not ready by then, like 10m" },
    details: [
      `Reports progress on stderr if the wait is long. A cluster that is held for debugging counts
       as ready or failed, too. Without --timeout the wait has no limit: a job may be pending for
       days.`,
    ],
    exits: {
      0: "the cluster is ready (or was, if the job has ended)",
      1: "it failed or the timeout expired",
      2: "wrong usage",
      4: "no Flux instance",
      5: "no daemon for 10 seconds",
    },
    examples: [
      "flux usernetes wait --timeout 10m ƒ2QT1HSJy5 &&\n  usernetes attr --jobid ƒ2QT1HSJy5 kubeconfig",
    ],
  }).action(async (name: string, options: { timeout?: string }) => {
    const limitMs = options.timeout === undefined ? Infinity : parseFsd(options.timeout);
    if (limitMs === undefined)
      throw new CommandError(
        EXIT.usage,
        `--timeout: found "${options.timeout ?? ""}", allowed: a duration (RFC 23), like 500ms, 10s or 2m`,
      );
    const jobid = await clusterIdOf(run, name);
    await settled(run, jobid, limitMs);
    process.stdout.write(`${nameOf(jobid, terminalLook())}: ready\n`);
  });
}
