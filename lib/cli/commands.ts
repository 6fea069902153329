/**
 * The command flux-usernetes, also `flux usernetes`: one file a subcommand. Its help
 * and its manual page (lib/manual) are made of this.
 */
import { Command } from "commander";
import { version } from "./version.js";
import { cleanCommand } from "./clean.js";
import { daemonCommand } from "./daemon.js";
import { doctorCommand } from "./doctor.js";
import { installCommand, uninstallCommand } from "./install.js";
import { listCommand } from "./list.js";
import { logsCommand } from "./logs.js";
import { pingCommand } from "./ping.js";
import { upCommand } from "./up.js";
import { downCommand } from "./down.js";
import { releaseCommand } from "./release.js";
import { statusCommand } from "./status.js";
import { timelineCommand } from "./timeline.js";
import { waitCommand } from "./wait.js";
import { warmCommand } from "./warm.js";

export const program = new Command("flux-usernetes")
  .description("user-space Kubernetes in Flux jobs")
  .version(version())
  .addCommand(daemonCommand())
  .addCommand(pingCommand())
  .addCommand(listCommand())
  .addCommand(statusCommand())
  .addCommand(waitCommand())
  .addCommand(logsCommand())
  .addCommand(timelineCommand())
  .addCommand(releaseCommand())
  .addCommand(cleanCommand())
  .addCommand(upCommand())
  .addCommand(downCommand())
  .addCommand(doctorCommand())
  .addCommand(warmCommand())
  .addCommand(installCommand())
  .addCommand(uninstallCommand())
  .addHelpText(
    "after",
    `
Without Node.js:
  once -- COMMAND     run COMMAND in the job's first task only (once --help says more)

The manual page, flux help usernetes, has all of it.

Examples:
  flux run -N2 --setattr=attributes.user.usernetes=yes ./script.sh
  flux usernetes list
  flux usernetes status --help`,
  );
