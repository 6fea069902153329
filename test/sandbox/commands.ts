/** The implemented commands, by name. */
import type { Command } from "./call.js";
import { Refusal } from "./refusal.js";
import { archive } from "./cli/archive.js";
import { batch } from "./cli/batch.js";
import { cancel } from "./cli/cancel.js";
import { config } from "./cli/config.js";
import { dmesg, logger } from "./cli/dmesg.js";
import { exec } from "./cli/exec.js";
import { getattr } from "./cli/getattr.js";
import { hostlist } from "./cli/hostlist.js";
import { job } from "./cli/job.js";
import { jobs } from "./cli/jobs.js";
import { kvs } from "./cli/kvs.js";
import { ping } from "./cli/ping.js";
import { postJobEvent } from "./cli/post-job-event.js";
import { queue } from "./cli/queue.js";
import { resource } from "./cli/resource.js";
import { run } from "./cli/run.js";
import { sandbox } from "./cli/sandbox.js";
import { shutdown } from "./cli/shutdown.js";
import { submit } from "./cli/submit.js";
import { update } from "./cli/update.js";

const COMMANDS: Record<string, Command> = {
  archive,
  batch,
  cancel,
  config,
  dmesg,
  exec,
  getattr,
  hostlist,
  job,
  jobs,
  kvs,
  logger,
  ping,
  "post-job-event": postJobEvent,
  queue,
  resource,
  run,
  sandbox,
  shutdown,
  submit,
  update,
};

export function findCommand(name: string): Command {
  const command = COMMANDS[name];
  if (!command) throw new Refusal(`flux: ${name}: not played by the embedded Flux`);
  return command;
}
