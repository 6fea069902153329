/** `flux-usernetes daemon`: the sidecar, in the foreground. */
import { Command } from "commander";
import type { Run } from "../host/command.js";

export function daemonCommand(run: Run): Command {
  return new Command("daemon")
    .description("run the sidecar in the foreground, on rank 0 as the instance owner")
    .option("--config <file>", "read [usernetes] from this TOML file instead of the broker")
    .option(
      "--pass-env <name...>",
      "pass these environment variables to the steps on the nodes",
      [],
    )
    .addHelpText(
      "after",
      `
Exit codes: 0 ended by a signal, 1 not rank 0 or not the instance owner, 2 wrong
usage, 3 configuration refused, 4 no Flux instance or lost, 6 another daemon is
running.

Example:
  flux-usernetes daemon --pass-env HTTPS_PROXY NO_PROXY`,
    )
    .action(async (options: { config?: string; passEnv: string[] }) => {
      const { runDaemon } = await import("../../plugin/main.js");
      const configFile = options.config === undefined ? {} : { configFile: options.config };
      await runDaemon(run, { ...configFile, passEnv: options.passEnv });
    });
}
