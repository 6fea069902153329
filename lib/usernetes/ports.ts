/**
 * The ports of a cluster, the same on all its ranks: usernetes' four, and one for each further
 * variable of the template that is a port (usernetes.port-variables).
 */

export interface Ports {
  etcd: number;
  kubelet: number;
  flannel: number;
  apiserver: number;
  /** By the name of the variable. */
  [variable: string]: number;
}

export const DEFAULT_PORTS: Ports = { etcd: 2379, kubelet: 10250, flannel: 8472, apiserver: 6443 };
const OWN = Object.keys(DEFAULT_PORTS);

/** Those beside the four. */
export function portVariablesOf(ports: Ports): string[] {
  return Object.keys(ports).filter((name) => !OWN.includes(name));
}

export type PortRange = { first: number; last: number } | "default";

/** `20000-29999` or `default`; undefined if it is neither, or holds no four ports. */
export function parsePortRange(text: string): PortRange | undefined {
  if (text === "default") return "default";
  const match = /^([0-9]{1,5})-([0-9]{1,5})$/.exec(text);
  const first = Number(match?.[1]);
  const last = Number(match?.[2]);
  return first >= 1 && last <= 65535 && last - first >= 3 ? { first, last } : undefined;
}

/** How many ports a cluster has: one for each variable beside the four. */
export const portCount = (variables: readonly string[]): number => OWN.length + variables.length;

/**
 * The lowest block of ports that no open cluster has: all that is known
 * of taken ports is in the records, so a crash loses nothing. Undefined if no
 * block is free. With "default" the template has its own choice for `variables`, too.
 */
export function choosePorts(
  range: PortRange,
  open: Iterable<Ports>,
  variables: readonly string[] = [],
): Ports | undefined {
  const taken = new Set<number>();
  for (const ports of open) for (const port of Object.values(ports)) taken.add(port);
  if (range === "default")
    return Object.values(DEFAULT_PORTS).some((port) => taken.has(port)) ? undefined : DEFAULT_PORTS;
  const count = portCount(variables);
  for (let first = range.first; first + count - 1 <= range.last; first += count) {
    const block = Array.from({ length: count }, (_, i) => first + i);
    if (block.some((port) => taken.has(port))) continue;
    const [etcd, kubelet, flannel, apiserver, ...others] = block as [
      number,
      number,
      number,
      number,
    ];
    const named = variables.map((name, i) => [name, others[i]]);
    return { etcd, kubelet, flannel, apiserver, ...Object.fromEntries(named) } as Ports;
  }
  return undefined;
}
