/**
 * `flux usernetes logs`: prints the output of a cluster's steps, from the nodes
 * (lib/view/node-logs.ts), or the saved part of it (lib/view/saved-logs.ts).
 */
import type { Run } from "../host/command.js";
import { ranksOf, type Cluster } from "../cluster/state.js";
import { STEPS, type Step } from "../cluster/steps.js";
import { CommandError, EXIT } from "../errors.js";
import { decodeIdset, encodeIdset } from "../flux/idset.js";
import { followLogs } from "../view/follow-logs.js";
import type { SeenJob } from "../view/job.js";
import { LogPrinter } from "../view/log-printer.js";
import { printLogs, type Wanted } from "../view/logs.js";
import { noCluster } from "../view/status.js";
import { terminalLook, nameOf } from "../view/terminal.js";
import { HelpedCommand } from "../help/command-help.js";
import { clusterIdOf, seeCluster } from "./cluster-argument.js";

interface Options {
  rank?: string;
  step?: string;
  follow?: true;
  json?: true;
}

export function logsCommand(run: Run): HelpedCommand {
  return new HelpedCommand({
    name: "logs",
    summary: "show the output of a cluster's steps",
    operands: {
      "<cluster>": "job ID, in any form, or `instance` for the cluster of the whole instance",
    },
    options: {
      "-r, --rank <idset>": "show the output of these ranks only, like 0-3,7",
      "-s, --step <name>": "show the output of this step only, like kubeadm-join",
      "-f, --follow": "keep printing new output until bring-up or teardown ends",
      "--json": "print one object per line: step, ranks, line",
    },
    details: [
      `While the cluster exists, the full logs are read from its nodes. Afterwards, and for users
       who may not run flux exec, the saved last lines of each step are shown, with a heading for
       each attempt. Lines begin with their ranks, as with flux exec -l. Lines printed by several
       ranks are merged, except with --follow. Join tokens and keys are masked.`,
    ],
    exits: {
      0: "done",
      1: "no such cluster, or no output",
      2: "wrong usage",
      4: "no Flux instance",
    },
    examples: [
      "flux usernetes logs ƒ2QT1HSJy5",
      "flux usernetes logs --follow --step up --rank 1-3 ƒ2QT1HSJy5",
    ],
  }).action(async (name: string, options: Options) => {
    const jobid = await clusterIdOf(run, name);
    const steps = stepsOf(options.step);
    const ranks = options.rank === undefined ? undefined : decode(options.rank);
    const wanted = (cluster: Cluster): Wanted => ({ ranks: among(cluster, ranks), steps });
    const printer = new LogPrinter((text) => process.stdout.write(text), options.json ?? false);
    if (options.follow) await follow(run, jobid, wanted, printer);
    else {
      const seen = await seeCluster(run, jobid);
      if (!seen.cluster.claim) throw none(seen);
      await printLogs(run, seen, wanted(seen.cluster), { printer, say });
      if (!printer.hasPrinted) throw new CommandError(EXIT.failed, nothing(seen, options));
    }
  });
}

const say = (text: string): void => {
  process.stderr.write(`flux-usernetes: ${text}\n`);
};

async function follow(
  run: Run,
  jobid: bigint,
  wanted: (cluster: Cluster) => Wanted,
  printer: LogPrinter,
): Promise<void> {
  let reported = "";
  const onNone = (seen: SeenJob): void => {
    const { asked, job } = seen.cluster;
    if (job.clean || !("asks" in asked && asked.asks)) throw none(seen);
    const text = `${nameOf(jobid, terminalLook())}: ${noCluster(seen.cluster)}`;
    if (text !== reported) say(text);
    reported = text;
  };
  await followLogs(run, { look: () => seeCluster(run, jobid), wanted, printer, say, onNone });
}

function none({ cluster }: SeenJob): CommandError {
  const text = noCluster(cluster);
  return new CommandError(EXIT.failed, `${nameOf(cluster.jobid, terminalLook())}: ${text}`);
}

function nothing({ cluster }: SeenJob, { rank, step }: Options): string {
  const name = nameOf(cluster.jobid, terminalLook());
  if (cluster.down && !cluster.down.kept) return `${name}: no saved logs`;
  const what = step === undefined ? "no step output yet" : `no output of step ${step} yet`;
  return `${name}: ${what}${rank === undefined ? "" : ` on rank ${rank}`}`;
}

function stepsOf(name: string | undefined): Step[] {
  if (name === undefined) return [...STEPS];
  const step = STEPS.find((each) => each === name);
  if (step) return [step];
  throw new CommandError(EXIT.usage, `--step: found "${name}", allowed: ${STEPS.join(", ")}`);
}

function decode(text: string): number[] {
  try {
    const ranks = text === "all" ? undefined : decodeIdset(text);
    if (ranks === undefined || ranks.length > 0) return ranks ?? [];
  } catch {
    // The error is reported below.
  }
  throw new CommandError(EXIT.usage, `--rank: found "${text}", allowed: ranks, like 0-3,7`);
}

/** Returns the named ranks, or all ranks of the cluster if none are named. */
function among(cluster: Cluster, asked: readonly number[] | undefined): readonly number[] {
  const all = ranksOf(cluster);
  if (!asked || asked.length === 0) return all;
  const beyond = asked.filter((rank) => !all.includes(rank));
  if (beyond.length === 0) return asked;
  throw new CommandError(
    EXIT.usage,
    `--rank: found "${encodeIdset(beyond)}", allowed: ${encodeIdset(all)}, the ranks of the cluster`,
  );
}
