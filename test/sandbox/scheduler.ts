/**
 * A worst-fit scheduler, like sched-simple. It selects the cores of a job, or reports that the job
 * has to wait or why it can never run. R has Flux's format (RFC 20).
 */
import { encodeIdset } from "../../lib/flux/idset.js";
import { encodeHostlist } from "../../lib/flux/hostlist.js";

export const CORES = 2;

export interface ResourceRequest {
  /** Whole nodes, unless `shared`. */
  nodes?: number;
  shared: boolean;
  /** The total number of slots, or the number on each node if `nodes` is given. */
  slots: number;
  coresPerSlot: number;
}

export interface Allocation {
  /** Cores by rank, in order of rank. */
  cores: Map<number, number[]>;
  slots: number;
}

export interface Pool {
  /** The free cores by rank, without drained and lost ranks. */
  free: Map<number, number[]>;
  /** The number of all ranks. */
  size: number;
}

export type Fit = { allocation: Allocation } | "wait" | { never: string };

export function fit(request: ResourceRequest, pool: Pool): Fit {
  const { nodes, slots, coresPerSlot } = request;
  if (nodes !== undefined) {
    const kind = request.shared ? "" : "exclusive ";
    if (nodes > pool.size)
      return {
        never: `unsatisfiable request: need ${nodes} ${kind}node(s), only ${pool.size} eligible`,
      };
    const each = slots * coresPerSlot;
    if (request.shared && each > CORES)
      return {
        never: `unsatisfiable request: need ${nodes} node(s) with ${each} cores each, only 0 eligible`,
      };
    return fitNodes(nodes, request, pool);
  }
  const total = pool.size * CORES;
  const most = pool.size * Math.floor(CORES / coresPerSlot);
  if (slots > most)
    return {
      never: `unsatisfiable request: need ${slots} slot(s) of ${coresPerSlot} core(s), only ${most} such slot(s) available (total cores: ${total})`,
    };
  return fitSlots(slots, coresPerSlot, pool);
}

/** Sorts the ranks with the most free cores first. */
const emptiest = (pool: Pool) => [...pool.free].sort(([, a], [, b]) => b.length - a.length);

const byRank = (cores: [number, number[]][]) => new Map(cores.sort(([a], [b]) => a - b));

function fitNodes(nodes: number, request: ResourceRequest, pool: Pool): Fit {
  const needed = request.shared ? request.slots * request.coresPerSlot : CORES;
  const fitting = emptiest(pool).filter(([, free]) => free.length >= needed);
  if (fitting.length < nodes) return "wait";
  const chosen = fitting
    .slice(0, nodes)
    .map(([rank, free]): [number, number[]] => [rank, free.slice(0, needed)]);
  return { allocation: { cores: byRank(chosen), slots: nodes * request.slots } };
}

function fitSlots(slots: number, coresPerSlot: number, pool: Pool): Fit {
  const chosen: [number, number[]][] = [];
  let left = slots;
  for (const [rank, free] of emptiest(pool)) {
    const here = Math.min(left, Math.floor(free.length / coresPerSlot));
    if (here > 0) chosen.push([rank, free.slice(0, here * coresPerSlot)]);
    left -= here;
  }
  return left === 0 ? { allocation: { cores: byRank(chosen), slots } } : "wait";
}

/** Groups the ranks that have the same cores. */
function groups(allocation: Allocation): { ranks: number[]; cores: number[] }[] {
  const found = new Map<string, { ranks: number[]; cores: number[] }>();
  for (const [rank, cores] of allocation.cores) {
    const group = found.get(cores.join()) ?? { ranks: [], cores };
    group.ranks.push(rank);
    found.set(cores.join(), group);
  }
  return [...found.values()];
}

const bracketed = (ids: number[]): string =>
  ids.length === 1 ? `${ids[0]}` : `[${encodeIdset(ids)}]`;

/** Returns a summary like `rank[0-1]/core[0-1]`. */
export function resourceSummary(allocation: Allocation): string {
  return groups(allocation)
    .map(({ ranks, cores }) => `rank${bracketed(ranks)}/core${bracketed(cores)}`)
    .join(",");
}

export interface Times {
  starttime: number;
  expiration: number;
}

export function resourceSet(allocation: Allocation, names: string[], times: Times) {
  return {
    version: 1,
    execution: {
      R_lite: groups(allocation).map(({ ranks, cores }) => ({
        rank: encodeIdset(ranks),
        children: { core: encodeIdset(cores) },
      })),
      ...times,
      nslots: allocation.slots,
      nodelist: [encodeHostlist(names)],
    },
  };
}
