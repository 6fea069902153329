/**
 * Whether hosts can be nodes of a cluster by their names. A node's name is made of its
 * host's (names.ts), and its takers refuse some: Kubernetes takes a DNS subdomain
 * (RFC 1123), which is a label's value as well (63 characters), and sethostname(2)
 * takes 64 bytes. The claim and the doctor ask here.
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

/** Why these hosts cannot be the nodes of one cluster: the first fault. */
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

/** Printable, and not longer than a line has room for. */
const show = (host: string): string => JSON.stringify(host).slice(1, -1).slice(0, 100);
