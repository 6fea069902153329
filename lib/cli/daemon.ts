/** `flux-usernetes daemon`: runs the daemon in the foreground. */
import type { Run } from "../host/command.js";
import { HelpedCommand } from "../help/command-help.js";
import { SETTING_OPTIONS } from "./instance-setting.js";

export function daemonCommand(run: Run): HelpedCommand {
  return new HelpedCommand({
    name: "daemon",
    summary: "run the daemon in the foreground, on rank 0 as the instance owner",
    options: {
      ...SETTING_OPTIONS,
    },
    exits: {
      0: "ended by a signal",
      1: "not rank 0 or not the instance owner",
      2: "wrong usage",
      3: "configuration refused",
      4: "no Flux instance or lost",
      6: "another daemon is running",
    },
    examples: ["flux-usernetes daemon --pass-env HTTPS_PROXY NO_PROXY"],
  }).action(async (options: { config?: string; passEnv: string[] }) => {
    const { runDaemon } = await import("../../plugin/main.js");
    const configFile = options.config === undefined ? {} : { configFile: options.config };
    await runDaemon(run, { ...configFile, passEnv: options.passEnv });
  });
}
