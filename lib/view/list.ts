/** The lines of `flux usernetes list`, formatted like those of `flux jobs`. */
import { encodeHostlist } from "../flux/hostlist.js";
import { cut, fsd, nameOf, paint, type Look } from "./terminal.js";
import { ageOf, COLOURS, type Summary } from "./summary.js";

export const HEADING = row("JOBID", "USER", "STATE", ["NODES", "ENGINE", "TIME", "LEAD", "HOSTS"]);

export function listLines(summaries: Summary[], now: number, look: Look): string[] {
  return summaries.map((summary) => {
    const { jobid, user, state, ready, nodes, engine, lead, hosts } = summary;
    const line = row(nameOf(jobid, look), user, state, [
      ...[`${ready}/${nodes}`, engine, fsd(ageOf(summary, now)), lead],
      encodeHostlist(hosts),
    ]);
    // The line is cut before it is painted: escape sequences take up no columns.
    return cut(line, look).replace(` ${state} `, ` ${paint(state, COLOURS[state], look)} `);
  });
}

/** Sorts the clusters: the instance's own first, then the newest first. */
export function order(summaries: Summary[]): Summary[] {
  const key = ({ jobid, claimedAt }: Summary) => (jobid === 0n ? Infinity : claimedAt);
  return summaries.sort((a, b) => (key(b) > key(a) ? 1 : -1));
}

function row(jobid: string, user: string, state: string, rest: string[]): string {
  const [nodes = "", engine = "", time = "", lead = "", hosts = ""] = rest;
  return [
    jobid.padStart(12),
    user.slice(0, 8).padEnd(8),
    state.padEnd(8),
    nodes.padStart(7),
    engine.padEnd(7),
    time.padStart(7),
    lead.padEnd(8),
    hosts,
  ]
    .join(" ")
    .trimEnd();
}
