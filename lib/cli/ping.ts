/** `flux usernetes ping`: checks whether the daemon answers. */
import { setTimeout as sleep } from "node:timers/promises";
import { CommandError, EXIT } from "../errors.js";
import { parseFsd } from "../flux/fsd.js";
import { lastLine, noInstanceError } from "../flux/no-instance.js";
import type { Run } from "../host/command.js";
import { HelpedCommand } from "../help/command-help.js";
import { noDaemon } from "./service.js";

const DEADLINE_MS = 5_000;
const PAUSE_MS = 100;

export function pingCommand(run: Run): HelpedCommand {
  return new HelpedCommand({
    name: "ping",
    summary: "check whether the daemon answers",
    options: { "--wait <fsd>": "wait up to this long for the daemon, like 10s" },
    exits: { 0: "it answers", 2: "wrong usage", 4: "no Flux instance", 5: "no daemon" },
    examples: ["flux usernetes ping --wait 30s && flux batch job.sh"],
  }).action(async (options: { wait?: string }) => {
    const waitMs = options.wait === undefined ? 0 : parseFsd(options.wait);
    if (waitMs === undefined)
      throw new CommandError(
        EXIT.usage,
        `--wait: found "${options.wait ?? ""}", allowed: a duration (RFC 23), like 500ms, 10s or 2m`,
      );
    process.stdout.write(`${await ping(run, waitMs)}\n`);
  });
}

/** Returns the line to print. Throws a CommandError if no daemon or no instance answers. */
async function ping(run: Run, waitMs: number): Promise<string> {
  const until = Date.now() + waitMs;
  const env = process.env as Record<string, string>;
  for (;;) {
    const argv = ["flux", "ping", "--count=1", "usernetes"];
    const answer = await run({ argv, env, timeoutMs: DEADLINE_MS });
    if (answer.exitCode === 0) {
      const time = /time=([0-9.]+ ms)/.exec(answer.stdout)?.[1];
      return `the daemon answers${time ? ` in ${time}` : ""}`;
    }
    if (Date.now() >= until) throw refuse(lastLine(answer));
    await sleep(PAUSE_MS);
  }
}

function refuse(reason: string): CommandError {
  if (/usernetes\.ping/.test(reason)) return noDaemon();
  return noInstanceError(reason);
}
