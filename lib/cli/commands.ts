/**
 * The command flux-usernetes, also `flux usernetes`. Each subcommand has its own file. The help and
 * the manual page (build/manual) are generated from these definitions.
 */
import { CommandError, EXIT } from "../errors.js";
import { HelpedCommand } from "../help/command-help.js";
import { kubeconfigCommand, onceCommand } from "../help/sh-commands.js";
import type { Run } from "../host/command.js";
import { version } from "./version.js";

/**
 * The subcommands, in the order of the help. Only the file of the called subcommand is loaded, or
 * all files if the command line names none.
 */
const COMMANDS: Record<string, (run: Run) => Promise<HelpedCommand>> = {
  daemon: async (run) => (await import("./daemon.js")).daemonCommand(run),
  ping: async (run) => (await import("./ping.js")).pingCommand(run),
  list: async (run) => (await import("./list.js")).listCommand(run),
  status: async (run) => (await import("./status.js")).statusCommand(run),
  wait: async (run) => (await import("./wait.js")).waitCommand(run),
  logs: async (run) => (await import("./logs.js")).logsCommand(run),
  timeline: async (run) => (await import("./timeline.js")).timelineCommand(run),
  release: async (run) => (await import("./release.js")).releaseCommand(run),
  clean: async (run) => (await import("./clean.js")).cleanCommand(run),
  up: async (run) => (await import("./up.js")).upCommand(run),
  down: async (run) => (await import("./down.js")).downCommand(run),
  doctor: async (run) => (await import("./doctor.js")).doctorCommand(run),
  warm: async (run) => (await import("./warm.js")).warmCommand(run),
  install: async () => (await import("./install.js")).installCommand(),
  uninstall: async () => (await import("./install.js")).uninstallCommand(),
  // bin/flux-usernetes runs these two itself. They are defined here for their help.
  kubeconfig: () => Promise.resolve(kubeconfigCommand()),
  once: () => Promise.resolve(onceCommand()),
};

/** Commands of the Python tool of the same name, with their replacements. */
const REPLACED: Record<string, string> = {
  ports:
    "each cluster gets free ports by itself (usernetes.ports); `flux usernetes status JOB` shows them",
  "top-level": "`flux getattr instance-level` prints 0 in the top-level instance",
  broker: "`flux usernetes status JOB` shows the lead, whose node runs the control plane",
};

/** Throws a CommandError for a command that no longer exists. */
export function refuseReplaced(name = ""): void {
  const instead = Object.hasOwn(REPLACED, name) ? REPLACED[name] : undefined;
  if (instead !== undefined)
    throw new CommandError(EXIT.usage, `there is no command ${name}: ${instead}`);
}

/**
 * `name`: the first argument of the command line. If it is not a subcommand, all subcommands are
 * loaded.
 */
export async function loadProgram(run: Run, name = ""): Promise<HelpedCommand> {
  const called = Object.hasOwn(COMMANDS, name) ? [name] : Object.keys(COMMANDS);
  const program = new HelpedCommand({
    name: "flux-usernetes",
    summary: "user-space Kubernetes in Flux jobs",
    details: ["The manual page, flux help usernetes, has all of it."],
    examples: [
      "flux run -N2 --setattr=attributes.user.usernetes=yes ./script.sh",
      "flux usernetes list",
      "flux usernetes status --help",
    ],
  }).version(version());
  for (const name of called) {
    const command = await COMMANDS[name]?.(run);
    if (command) program.addCommand(command);
  }
  return program;
}
