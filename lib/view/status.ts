/** What `status` prints for one cluster, as text and as JSON. Pure: time is an argument. */
import { hostNames, names, type Cluster } from "../cluster/state.js";
import { encodeHostlist } from "../flux/hostlist.js";
import { decodeIdset, encodeIdset } from "../flux/idset.js";
import type { KeptLog } from "./saved-logs.js";
import { WEIGHT, weighed, wrapped, type FrameLine } from "./frame.js";
import type { SeenJob } from "./job.js";
import { clockTime, failures, stepTable, waits } from "./status-steps.js";
import { logOf, stepLines, type StepLine } from "./steps.js";
import { ageOf, COLOURS, summarize, summaryJson, type Summary } from "./summary.js";
import { fsd, nameOf, paint, wrap, type Look } from "./terminal.js";

export interface StatusSource extends SeenJob {
  user: string;
  /** The saved last lines of the failed steps. */
  kept?: KeptLog[];
}

export function statusLines(source: StatusSource, now: number, look: Look): string[] {
  return statusFrame(source, now, look).map(({ text }) => text);
}

/** The lines of `statusLines`, with the weights that decide which of them are hidden first. */
export function statusFrame(source: StatusSource, now: number, look: Look): FrameLine[] {
  const { cluster, record } = source;
  const summary = summarize(source, source.user);
  const { headline: logged, fact } = WEIGHT;
  if (!summary) return weighed([`${nameOf(cluster.jobid, look)}: ${noCluster(cluster)}`], logged);
  const steps = stepLines(record, now);
  const failed = failures(cluster, steps, source.kept);
  const state = paint(summary.state, COLOURS[summary.state], look);
  const head = wrap(`${nameOf(cluster.jobid, look)}: ${times(summary, now)}`, look);
  return [
    ...weighed(
      head.map((line) => line.replace(`: ${summary.state}`, `: ${state}`)),
      logged,
    ),
    ...facts(cluster, summary, { now, failed }).flatMap((line) => wrapped(line, fact, look)),
    ...spaced(tableFrame(steps, look)),
    ...spaced(waits(cluster, steps, look).flatMap((line) => wrapped(line, logged, look))),
    ...spaced(failed.flatMap((line) => wrapped(line, weightOf(line), look))),
  ];
}

const spaced = (lines: FrameLine[]) =>
  lines.length > 0 ? [...weighed([""], WEIGHT.state), ...lines] : [];

function tableFrame(steps: StepLine[], look: Look): FrameLine[] {
  // Only the first row of a step shows the step's name, so all rows of the step have the same
  // weight.
  const open = new Set(steps.filter(({ status }) => status !== "ok").map(({ step }) => step));
  return stepTable(steps, look).map((text, index) => {
    const previous = steps[index - 1];
    return { text, weight: previous && !open.has(previous.step) ? WEIGHT.done : WEIGHT.state };
  });
}

/** A failure's own line does not start with a space; its output, on the lines below, does. */
const weightOf = (line: string) => (line.startsWith(" ") ? WEIGHT.printed : WEIGHT.headline);

/** Why a job has no cluster, or what it waits for before it gets one. */
export function noCluster({ asked, job }: Cluster): string {
  if ("refused" in asked) return `its request is refused: ${asked.refused}`;
  if (!asked.asks) return "it did not ask for a cluster";
  if (job.fatal) return `no cluster: ${job.fatal.type}: ${job.fatal.note}`;
  if (job.clean || job.finishAt !== undefined) return "no cluster: the job has ended";
  if (job.allocAt === undefined) return "waiting: the job has no resources yet";
  if (job.waitsFor) return `waiting: ${job.waitsFor}`;
  return "waiting: an earlier cluster is still being removed from its nodes, or no daemon runs (flux usernetes ping)";
}

/** `ready after 10.3s, 17.4s old` */
function times(summary: Summary, now: number): string {
  const { state, claimedAt, settledAt, downAt } = summary;
  const settled = settledAt === undefined ? "" : fsd(settledAt - claimedAt);
  const after = settled && (state === "ready" ? ` after ${settled}` : `, settled after ${settled}`);
  const age = fsd(ageOf(summary, now));
  return `${state}${after}, ${downAt === undefined ? `${age} old` : `lived ${age}`}`;
}

interface StatusFields {
  now: number;
  failed: string[];
}

function facts(cluster: Cluster, summary: Summary, { now, failed }: StatusFields): string[] {
  const { claim, settle, down, teardown } = cluster;
  if (!claim) return [];
  const { user, ready, nodes, lead, hosts, ranks, state } = summary;
  const ports = Object.entries(claim.ports).map(([name, port]) => `${name} ${String(port)}`);
  const by = Math.round(claim.deadline - now);
  const exists = !["stopping", "gone", "left"].includes(state);
  const joined = exists ? `${ready} of ${nodes} ready` : String(nodes);
  const rows: [string, string | false | undefined][] = [
    ["user", user],
    ["nodes", `${joined}: ${encodeHostlist(hosts)} (rank ${ranks})`],
    ["lead", lead],
    ["engine", claim.engine],
    ["workdir", claim.workdir],
    ["kubeconfig", exists && settle?.kubeconfig && `${settle.kubeconfig} on ${lead}`],
    ["ports", ports.join(", ")],
    [
      "deadline",
      (settle ?? teardown ?? down)
        ? undefined
        : `${clockTime(claim.deadline)}, ${by < 0 ? "over" : `in ${fsd(by)}`}`,
    ],
    ["without", settle?.without && names(cluster, decodeIdset(settle.without))],
    // The failed step, further down, shows the same note.
    ["note", failed.length > 0 ? undefined : settle?.note],
    ["teardown", teardown && `for ${teardown.reason}`],
    ["left on", down?.left.length ? names(cluster, down.left) : undefined],
  ];
  return rows.flatMap(([name, value]) => (value ? [`  ${name.padEnd(10)} ${value}`] : []));
}

export function statusJson(source: StatusSource, now: number) {
  const { cluster, record, user } = source;
  const summary = summarize(source, user);
  const name = nameOf(cluster.jobid);
  if (!summary)
    return {
      ...{ jobid: name, id: String(cluster.jobid), user, userid: cluster.userid },
      ...{ state: null, note: noCluster(cluster) },
    };
  const { claim, settle, teardown, down } = cluster;
  return {
    ...summaryJson(summary, now, name),
    ports: claim?.ports ?? null,
    deadline: claim?.deadline ?? null,
    outcome: settle?.outcome ?? null,
    kubeconfig: settle?.kubeconfig ?? null,
    note: settle?.note ?? null,
    without: settle?.without ?? "",
    teardown: teardown?.reason ?? null,
    left: encodeIdset(down?.left ?? []),
    steps: stepLines(record, now, true).map(({ step, status, ranks, attempt, seconds, note }) => ({
      ...{
        step,
        status,
        ranks: encodeIdset(ranks),
        hosts: ranks.map((rank) => host(cluster, rank)),
      },
      ...{ attempt, seconds: Math.round(seconds * 1000) / 1000, note },
      log: logOf(cluster, step, ranks[0] ?? 0) ?? null,
    })),
  };
}

const host = (cluster: Cluster, rank: number) => hostNames(cluster, [rank]);
