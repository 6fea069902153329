/** Judges a node's report by comparison with the reports of other nodes. Pure. */
import { encodeIdset } from "../flux/idset.js";
import { hostNameFault } from "../usernetes/host-names.js";
import { nodeName } from "../usernetes/names.js";
import type { Judge } from "./requirement.js";

type Reported = ReadonlyMap<number, string>;

/** Seconds by which a clock may differ. */
export const SKEW_S = 2;

/** Takes the most frequent value to be right. */
export function judgeSame(reported: Reported): Judge {
  const counts = new Map<string, number>();
  for (const text of reported.values()) counts.set(text, (counts.get(text) ?? 0) + 1);
  const [most] = [...counts].toSorted(([, a], [, b]) => b - a);
  return (text) =>
    most === undefined || text === most[0]
      ? undefined
      : `it is ${text}, and ${most[0]} on ${most[1]} others`;
}

/**
 * Compares the clocks, in milliseconds. The checks of all nodes start at the same time, apart from
 * the time that flux exec needs to reach a node.
 */
export function judgeClock(reported: Reported): Judge {
  const times = [...reported.values()].map(Number).toSorted((a, b) => a - b);
  const first = reported.get(0);
  const right = first === undefined ? (times[times.length >> 1] ?? 0) : Number(first);
  return (text) => {
    const skew = (Number(text) - right) / 1000;
    if (Math.abs(skew) <= SKEW_S) return undefined;
    const than = first === undefined ? "the others" : "rank 0";
    return `${Math.abs(skew).toFixed(1)} s ${skew < 0 ? "behind" : "ahead of"} ${than}`;
  };
}

/**
 * Kubernetes derives a node's name from its host name, so two hosts must not have the same node
 * name.
 */
export function judgeHostNames(reported: Reported): Judge {
  const hosts = new Map<string, Set<string>>();
  for (const host of reported.values()) {
    const name = nodeName(host);
    hosts.set(name, (hosts.get(name) ?? new Set()).add(host));
  }
  return (host) => {
    const others = [...(hosts.get(nodeName(host)) ?? [])].filter((other) => other !== host);
    if (others.length > 0) return `it differs from ${others.join(", ")} only in case`;
    return hostNameFault(host);
  };
}

/** Each broker must have its own host. */
export function judgeBrokers(reported: Reported): Judge {
  return (host) => {
    const ranks = [...reported].filter(([, other]) => other === host).map(([rank]) => rank);
    return ranks.length < 2
      ? undefined
      : `ranks ${encodeIdset(ranks)} are on the host ${host}: a job that gets two of them is refused`;
  };
}
