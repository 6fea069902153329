/** `flux usernetes clean`: removes leftovers of the clusters of ended jobs. */
import type { Run } from "../host/command.js";
import { CommandError, EXIT } from "../errors.js";
import { terminalLook, nameOf } from "../view/terminal.js";
import { jobidOf } from "./jobid-argument.js";
import { HelpedCommand } from "../help/command-help.js";
import { callDaemon } from "./service.js";

/** Two tries to tear down a node take five minutes each by default. */
const DEADLINE_MS = 30 * 60_000;

interface Cleaned {
  jobid: string;
  left: string;
  where: string;
  note: string;
}

export function cleanCommand(run: Run): HelpedCommand {
  return new HelpedCommand({
    name: "clean",
    summary: "remove leftover resources of ended jobs' clusters",
    operands: { "[job...]": "job IDs, in any form" },
    options: {
      "--all": "clean the clusters of all ended jobs",
      "--json": "print the result as JSON",
    },
    details: [
      `Checks all nodes that are up, removes leftover resources, and reports those that it could
       not remove. A node that the daemon drained because of leftovers is undrained when it has
       none, unless usernetes.undrain is false.`,
    ],
    exits: {
      0: "no leftovers",
      1: "leftovers remain",
      2: "wrong usage",
      4: "no Flux instance",
      5: "no daemon",
    },
    examples: ["flux usernetes clean --all", "flux usernetes clean ƒ2QT1HSJy5"],
  }).action(async (jobs: string[], options: { all?: true; json?: true }) => {
    if ((jobs.length === 0) === (options.all === undefined))
      throw new CommandError(EXIT.usage, "clean: name one job or more, or --all");
    const jobids = options.all
      ? ["all"]
      : (await Promise.all(jobs.map((job) => jobidOf(run, job)))).map(String);
    const cleaned: Cleaned[] = [];
    for (const jobid of jobids) cleaned.push(...(await clean(run, jobid)));
    print(cleaned, options.json ?? false);
    if (cleaned.some(({ left }) => left !== "")) process.exitCode = EXIT.failed;
  });
}

/** Cleans one job or all jobs. A named job has a result even if no cluster of it is known. */
async function clean(run: Run, jobid: string): Promise<Cleaned[]> {
  const { clusters } = (await callDaemon(run, "clean", { jobid }, DEADLINE_MS)) as {
    clusters: Cleaned[];
  };
  const nothing = { jobid, left: "", where: "", note: "" };
  return clusters.length === 0 && jobid !== "all" ? [nothing] : clusters;
}

function print(cleaned: Cleaned[], json: boolean): void {
  if (json) {
    process.stdout.write(`${JSON.stringify(cleaned)}\n`);
    return;
  }
  if (cleaned.length === 0) process.stdout.write("nothing is left of any job's cluster\n");
  for (const { jobid, left, where, note } of cleaned) {
    const how =
      left === "" ? "nothing is left" : `leftovers on ${where}: ${note || "node is unreachable"}`;
    process.stdout.write(`${nameOf(BigInt(jobid), terminalLook())}: ${how}\n`);
  }
}
