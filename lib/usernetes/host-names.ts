/**
 * Checks whether hosts can be nodes of a cluster by their names. A node's name is made from the
 * host's name (names.ts). Kubernetes requires a DNS subdomain (RFC 1123) that is also valid as a
 * label's value (63 characters), and sethostname(2) takes 64 bytes. The claim and the doctor use
 * these checks.
 */
import { nodeName } from "./names.js";

const NAME_MAX = 63;
const PART = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;

/** Why this host cannot be a node, and what to do; undefined if it can. */
export function hostNameFault(host: string): string | undefined {
  const name = nodeName(host);
  if (!name.split(".").every((part) => PART.test(part)))
    return `the host name ${show(host)} cannot be part of a Kubernetes node name: allowed are letters, digits and "-", in parts that are separated by "." and begin and end with a letter or digit (RFC 1123); rename the host`;
  const length = Buffer.byteLength(name);
  if (length <= NAME_MAX) return undefined;
  const most = NAME_MAX - (length - Buffer.byteLength(host));
  return `the host name ${show(host)} is too long: the node name ${name} has ${length} characters, allowed are ${NAME_MAX} (a Kubernetes label; sethostname(2) takes 64), so ${most} for the host; rename the host`;
}

/** The first reason why these hosts cannot be the nodes of one cluster; undefined if they can. */
export function hostNamesFault(hosts: readonly string[]): string | undefined {
  const first = new Map<string, string>();
  for (const host of hosts) {
    const other = first.get(nodeName(host));
    if (other === host)
      return `two of the job's ranks are on the host ${host}: a cluster needs one broker per host`;
    if (other !== undefined)
      return `the hosts ${other} and ${host} differ only in case, and both would be the node ${nodeName(host)}: a cluster's nodes need different names; rename one, or leave it out`;
    first.set(nodeName(host), host);
  }
  for (const host of hosts) {
    const fault = hostNameFault(host);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/** The host name with control characters escaped, and no longer than 100 characters. */
const show = (host: string): string => JSON.stringify(host).slice(1, -1).slice(0, 100);
