/** `flux usernetes down`: takes down the cluster of the whole instance. */
import type { Run } from "../host/command.js";
import { hostOf, stepState as progressOf } from "../cluster/state.js";
import { CommandError, EXIT } from "../errors.js";
import { followSteps } from "../view/live-steps.js";
import { HelpedCommand } from "../help/command-help.js";
import { readSetting, SETTING_OPTIONS, type SettingOptions } from "./instance-setting.js";

export function downCommand(run: Run): HelpedCommand {
  return new HelpedCommand({
    name: "down",
    summary: "take down the cluster of the whole instance",
    options: { ...SETTING_OPTIONS },
    details: [
      `Removes the resources of flux usernetes up from each node, and checks with the container
       engine that none remain. It can be repeated, also after an up that was killed, and when a
       lost node is back.`,
    ],
    exits: {
      0: "no leftovers",
      1: "leftovers remain",
      2: "wrong usage",
      3: "configuration refused",
      4: "no Flux instance",
    },
    examples: ["flux usernetes down"],
  }).action(async (options: SettingOptions) => {
    const { env, base, config, names } = await readSetting(run, options, false);
    const progress = followSteps(process.stderr);
    const { InstanceCluster } = await import("../../plugin/instance.js");
    const instance = new InstanceCluster({ run, env, base, config, names, say: progress.say });
    try {
      await instance.connect();
      const { entry } = instance;
      if (!entry) {
        progress.note("this instance has no cluster");
        return;
      }
      const cluster = await instance.down(entry);
      const [first] = cluster.down?.left ?? [];
      if (first === undefined) return;
      const where = (cluster.down?.left ?? []).map((rank) => hostOf(cluster, rank)).join(", ");
      const note = progressOf(cluster, "down-v", first)?.note || "node is unreachable";
      throw new CommandError(
        EXIT.failed,
        `leftovers on ${where}: ${note}; run flux usernetes down again`,
      );
    } finally {
      progress.end();
      instance.leave();
    }
  });
}
