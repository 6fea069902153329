/** R, the resources of a job (RFC 20): its ranks and their hosts. */
import { decodeHostlist } from "./hostlist.js";
import { decodeIdset } from "./idset.js";

export interface Resources {
  /** Broker ranks, ascending. */
  ranks: number[];
  /** Host names, one per rank, in the order of `ranks`. */
  hosts: string[];
}

interface R {
  version: number;
  execution: { R_lite: { rank: string }[]; nodelist: string[] };
}

/** Reads R version 1. Throws an Error that names the fault. */
export function parseResources(text: string): Resources {
  const { version, execution } = JSON.parse(text) as R;
  if (version !== 1)
    throw new Error(
      `R has version ${version}, this program reads version 1; update flux-usernetes`,
    );
  // The hosts in nodelist are in the order of R_lite's ranks (RFC 20), so both are sorted together.
  const ranks = execution.R_lite.flatMap((entry) => decodeIdset(entry.rank));
  const hosts = execution.nodelist.flatMap(decodeHostlist);
  if (ranks.length !== hosts.length)
    throw new Error(`R has ${ranks.length} ranks but ${hosts.length} hosts`);
  const pairs = ranks.map((rank, i) => ({ rank, host: hosts[i] ?? "" }));
  pairs.sort((a, b) => a.rank - b.rank);
  return { ranks: pairs.map((p) => p.rank), hosts: pairs.map((p) => p.host) };
}
