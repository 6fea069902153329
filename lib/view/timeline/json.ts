/**
 * A timeline as JSON. `t_begin` is in seconds since the epoch; all other times are in seconds since
 * `t_begin`.
 */
import { ranksOf, type Cluster } from "../../cluster/state.js";
import { encodeIdset } from "../../flux/idset.js";
import type { Row } from "./rows.js";
import { sumsOf, type Phase, type Timeline } from "./timeline.js";
import { nameOf } from "../terminal.js";
import { stateOf } from "../summary.js";

export function timelineJson({ cluster, phases }: Timeline) {
  const origin = phases[0]?.begin ?? 0;
  return {
    jobid: nameOf(cluster.jobid),
    id: String(cluster.jobid),
    state: stateOf(cluster),
    nodes: cluster.claim?.hosts.length ?? 0,
    t_begin: origin,
    phases: phases.map((phase) => phaseJson(cluster, phase, origin)),
  };
}

function phaseJson(cluster: Cluster, phase: Phase, origin: number) {
  const { name, from, to, begin, end, open, rows, chain } = phase;
  const at = (time: number) => round(time - origin);
  const sums = (Object.entries(sumsOf(phase)) as [string, number][]).map(([key, value]) => [
    key,
    round(value),
  ]);
  return {
    ...{ name, from, to, begin: at(begin), end: at(end), open },
    seconds: Object.fromEntries(sums) as Record<keyof ReturnType<typeof sumsOf>, number>,
    chain: chain.map((link) => ({
      ...rowId(cluster, link.row),
      ...{ begin: at(link.begin), end: at(link.end), seconds: round(link.end - link.begin) },
    })),
    steps: rows.map((row) => ({
      ...rowId(cluster, row),
      ...{ begin: at(row.begin), end: at(row.end), seconds: round(row.end - row.begin) },
      ...{ status: row.status, note: row.note, chain: chain.some((link) => link.row === row) },
    })),
  };
}

function rowId(cluster: Cluster, { step, ranks, attempt }: Row) {
  const all = ranksOf(cluster);
  const hosts = ranks.map((rank) => cluster.claim?.hosts[all.indexOf(rank)] ?? "?");
  return { step, ranks: encodeIdset(ranks), hosts, attempt };
}

const round = (seconds: number) => Math.round(seconds * 1000) / 1000;
