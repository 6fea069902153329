/** flux-resource(1): list, status, drain and undrain. */
import { decodeIdset, encodeIdset } from "../../../lib/flux/idset.js";
import type { Call } from "../call.js";
import { Refusal } from "../refusal.js";
import { dispatch } from "../dispatch.js";
import { encodeHostlist } from "../../../lib/flux/hostlist.js";
import { parseOptions } from "../options.js";
import { CORES } from "../scheduler.js";

const names = (call: Call, ranks: number[]): string =>
  encodeHostlist(ranks.map((rank) => call.instance.host(rank).name));

/** Returns the ranks that an idset or a host list names. */
function ranksOf(call: Call, text: string): number[] {
  const { instance } = call;
  const named = instance.hostnames.flatMap((name, rank) => (name === text ? [rank] : []));
  if (named.length > 0) return named;
  try {
    const ranks = decodeIdset(text);
    if (ranks.every((rank) => rank < instance.size)) return ranks;
  } catch {
    throw new Refusal(`flux-resource: ERROR: invalid target ${text}`);
  }
  throw new Refusal("flux-resource: ERROR: [Errno 22] idset is out of range");
}

function list(call: Call): number {
  const { instance } = call;
  const { free } = instance.jobs.queue.pool();
  const all = instance.hostnames.map((_, rank) => rank);
  const down = all.filter((rank) => instance.resources.unusable(rank));
  const cores = (rank: number) => free.get(rank)?.length ?? 0;
  const row = (state: string, ranks: number[], count: number) => {
    const numbers = [ranks.length, count, 0].map((n) => String(n).padStart(6)).join(" ");
    call.out(
      `${state.padStart(10)} ${numbers.slice(0, 13)} ${numbers.slice(14).slice(1)} ${names(call, ranks)}\n`,
    );
  };
  call.out("     STATE NNODES NCORES NGPUS NODELIST\n");
  const sum = (counts: number[]) => counts.reduce((a, b) => a + b, 0);
  const idle = all.filter((rank) => cores(rank) > 0);
  const used = all.filter((rank) => !down.includes(rank) && cores(rank) < CORES);
  row("free", idle, sum(idle.map(cores)));
  row("allocated", used, sum(used.map((rank) => CORES - cores(rank))));
  row("down", down, down.length * CORES);
  return 0;
}

function status(call: Call): number {
  const { resources, hostnames } = call.instance;
  const all = hostnames.map((_, rank) => rank);
  call.out("       STATEUP NNODES NODELIST\n");
  const row = (state: string, up: boolean, ranks: number[]) => {
    if (ranks.length === 0 && state !== "avail") return;
    call.out(
      `${`${state} ${up ? "✔" : "✗"}`.padStart(14)} ${String(ranks.length).padStart(6)} ${names(call, ranks)}\n`,
    );
  };
  row(
    "avail",
    true,
    all.filter((rank) => !resources.unusable(rank)),
  );
  row(
    "avail",
    false,
    all.filter((rank) => resources.lost.has(rank) && !resources.drained.has(rank)),
  );
  row("drained", true, [...resources.drained.keys()]);
  return 0;
}

function showDrained(call: Call): number {
  const groups = new Map<string, { ranks: number[]; timestamp: number }>();
  for (const [rank, { reason, timestamp }] of call.instance.resources.drained) {
    const group = groups.get(reason) ?? { ranks: [], timestamp };
    group.ranks.push(rank);
    groups.set(reason, group);
  }
  call.out("TIME         STATE    REASON                         NODELIST\n");
  for (const [reason, { ranks, timestamp }] of groups) {
    const date = new Date(timestamp * 1000).toDateString().split(" ");
    const time = new Date(timestamp * 1000).toTimeString().slice(0, 5);
    const when = `${date[1] ?? ""}${date[2] ?? ""} ${time}`;
    call.out(
      `${when.padEnd(12)} ${"drained".padEnd(8)} ${reason.slice(0, 30).padEnd(30)} ${names(call, ranks)}\n`,
    );
  }
  return 0;
}

function drain(call: Call): number {
  const options = parseOptions(call.argv, {
    command: "flux-resource",
    specs: ["update|u", "force|f", "no-header|n", "format|o="],
  });
  const [target, ...words] = options.rest;
  if (target === undefined) return showDrained(call);
  const ranks = ranksOf(call, target);
  const already = ranks.filter((rank) => call.instance.resources.drained.has(rank));
  if (already.length > 0 && !options.has("update") && !options.has("force"))
    throw new Refusal(`flux-resource: ERROR: rank ${encodeIdset(already)} already drained`);
  call.instance.drain(ranks, words.join(" "));
  return 0;
}

function undrain(call: Call): number {
  const ranks = ranksOf(call, call.argv[0] ?? "");
  const { resources, jobs } = call.instance;
  const not = ranks.filter((rank) => !resources.drained.has(rank));
  if (not.length > 0)
    throw new Refusal(`flux-resource: ERROR: rank ${encodeIdset(not)} not drained`);
  for (const rank of ranks) resources.drained.delete(rank);
  jobs.queue.schedule();
  return 0;
}

export const resource = dispatch("resource", { list, status, drain, undrain });
