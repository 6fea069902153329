/** What is wrong with what a node reports, beside what the others report. Pure. */
import { encodeIdset } from "../flux/idset.js";
import { hostNameFault } from "../usernetes/host-names.js";
import { nodeName } from "../usernetes/names.js";
import type { Judge } from "./requirement.js";

type Reported = ReadonlyMap<number, string>;

/** Seconds that a clock may be off. */
export const SKEW_S = 2;

/** What most report is right. */
export function judgeSame(reported: Reported): Judge {
  const counts = new Map<string, number>();
  for (const text of reported.values()) counts.set(text, (counts.get(text) ?? 0) + 1);
  const [most] = [...counts].toSorted(([, a], [, b]) => b - a);
  return (text) =>
    most === undefined || text === most[0]
      ? undefined
      : `it is ${text}, and ${most[0]} on ${most[1]} others`;
}

/** All begin at the same time, give or take what flux exec needs to reach them. */
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

/** Kubernetes takes the name of the host in a node's, and no other host has the same. */
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

/** Each broker has a host of its own. */
export function judgeBrokers(reported: Reported): Judge {
  return (host) => {
    const ranks = [...reported].filter(([, other]) => other === host).map(([rank]) => rank);
    return ranks.length < 2
      ? undefined
      : `ranks ${encodeIdset(ranks)} are on the host ${host}: a job that gets two of them is refused`;
  };
}
