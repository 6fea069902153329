/** `flux usernetes status`: shows one cluster in detail, or lists all clusters. */
import type { Run } from "../host/command.js";
import { setTimeout as sleep } from "node:timers/promises";
import { isDebug } from "../cluster/state.js";
import { CommandError, EXIT } from "../errors.js";
import { keptLogs } from "../view/saved-logs.js";
import { seeClusters, userName } from "../view/clusters.js";
import { eventLine } from "../view/event-line.js";
import { redrawer } from "../view/frame.js";
import { HEADING, listLines, order } from "../view/list.js";
import { failedSteps } from "../view/status-steps.js";
import {
  noCluster,
  statusFrame,
  statusJson,
  statusLines,
  type StatusSource,
} from "../view/status.js";
import { stepLines } from "../view/steps.js";
import { summaryJson } from "../view/summary.js";
import { cut, terminalLook, nameOf } from "../view/terminal.js";
import { clusterIdOf, seeCluster } from "./cluster-argument.js";
import { HelpedCommand } from "../help/command-help.js";
import { ofWhom, warn } from "./list.js";

const PAUSE_MS = 1000;

export function statusCommand(run: Run): HelpedCommand {
  return new HelpedCommand({
    name: "status",
    summary: "show the state of a cluster and of each of its steps",
    operands: {
      "[cluster]": "job ID, in any form, or `instance` for the cluster of the whole instance",
    },
    options: {
      "-w, --watch": "follow the cluster until it has failed or is removed",
      "--json": "print an object; without CLUSTER, an array as list prints it",
    },
    details: [
      `Without an argument, all clusters are listed. Ranks with the same result are grouped; TIME
       is that of the slowest rank. --watch redraws the terminal every second and hides finished
       steps when there is not enough room. A pipe or a dumb terminal gets one line per change.`,
    ],
    exits: { 0: "done", 1: "no such cluster", 2: "wrong usage", 4: "no Flux instance" },
    examples: ["flux usernetes status ƒ2QT1HSJy5", "flux usernetes status --watch instance"],
  }).action(async (name: string | undefined, options: { watch?: true; json?: true }) => {
    if (options.watch && (options.json || name === undefined))
      throw new CommandError(EXIT.usage, "--watch: name one cluster, and leave out --json");
    if (name === undefined) {
      await showAll(run, options.json ?? false);
      return;
    }
    const jobid = await clusterIdOf(run, name);
    if (options.watch) await watch(run, jobid);
    else await showOne(run, jobid, options.json ?? false);
  });
}

async function look(run: Run, jobid: bigint, user?: string): Promise<StatusSource> {
  const seen = await seeCluster(run, jobid);
  const failed = failedSteps(stepLines(seen.record, now())).map(({ step }) => step);
  const [kept, name] = await Promise.all([
    keptLogs(run, jobid, seen.record, failed),
    user ?? userName(run, seen.cluster.userid),
  ]);
  return { ...seen, user: name, kept };
}

const now = () => Date.now() / 1000;

function print(lines: string[]): void {
  process.stdout.write(lines.map((line) => `${line}\n`).join(""));
}

async function showOne(run: Run, jobid: bigint, json: boolean): Promise<void> {
  const current = await look(run, jobid);
  if (json) print([JSON.stringify(statusJson(current, now()))]);
  else print(statusLines(current, now(), terminalLook()));
}

/** Prints the same as `list`. */
async function showAll(run: Run, json: boolean): Promise<void> {
  const seen = await seeClusters(run, {
    filters: await ofWhom(run),
    count: 1000,
    open: true,
    warn,
  });
  const shown = order(seen.filter(({ state }) => state !== "gone"));
  if (json) {
    const each = shown.map((summary) => summaryJson(summary, now(), nameOf(summary.jobid)));
    print([JSON.stringify(each)]);
  } else if (shown.length === 0) print(["there is no cluster"]);
  else print([cut(HEADING, terminalLook()), ...listLines(shown, now(), terminalLook())]);
}

async function watch(run: Run, jobid: bigint): Promise<void> {
  const show = terminalLook().redraws ? drawn() : reportChanges(jobid);
  let user: string | undefined;
  for (;;) {
    const seen = await look(run, jobid, user);
    user = seen.user;
    const isLast = isSettled(seen);
    show(seen, isLast);
    if (isLast) return;
    await sleep(PAUSE_MS);
  }
}

/**
 * Whether `--watch` ends: nothing more happens to the cluster, or only its teardown after a
 * failure.
 */
function isSettled({ cluster }: StatusSource): boolean {
  const { down, settle, claim, job } = cluster;
  if (down && !down.kept) return true;
  if (settle?.outcome === "failed" && !isDebug(cluster)) return true;
  // Nothing more happens to a kept cluster, so `--watch` ends when the job is inactive.
  if (down) return job.clean;
  return !claim && (job.clean || !("asks" in cluster.asked && cluster.asked.asks));
}

function drawn(): (seen: StatusSource, isLast: boolean) => void {
  const draw = redrawer(process.stdout);
  return (seen, isLast) => {
    draw(statusFrame(seen, now(), terminalLook()), isLast);
  };
}

/**
 * Prints a line for each event of the record, and for each reason to wait before the record exists.
 */
function reportChanges(jobid: bigint): (seen: StatusSource) => void {
  let printed = 0;
  let waiting = "";
  return (seen) => {
    const { cluster, record } = seen;
    const from = record[0]?.timestamp ?? 0;
    print(record.slice(printed).map((event) => eventLine(event, cluster, from)));
    printed = record.length;
    const text = cluster.claim ? "" : noCluster(cluster);
    if (text && text !== waiting) print([`${nameOf(jobid, terminalLook())}: ${text}`]);
    waiting = text;
  };
}
