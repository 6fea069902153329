/**
 * The ports of a cluster, the same on all of its ranks: the four of usernetes, and one for each
 * further port variable of the template (usernetes.port-variables).
 */

export interface Ports {
  etcd: number;
  kubelet: number;
  flannel: number;
  apiserver: number;
  /** Further ports, by the names of their variables. */
  [variable: string]: number;
}

export const DEFAULT_PORTS: Ports = { etcd: 2379, kubelet: 10250, flannel: 8472, apiserver: 6443 };
const OWN = Object.keys(DEFAULT_PORTS);

/** The names of the ports besides the four of usernetes. */
export function portVariablesOf(ports: Ports): string[] {
  return Object.keys(ports).filter((name) => !OWN.includes(name));
}

export type PortRange = { first: number; last: number } | "default";

/**
 * `20000-29999` or `default`. Undefined if the text is neither, or if the range has fewer than four
 * ports.
 */
export function parsePortRange(text: string): PortRange | undefined {
  if (text === "default") return "default";
  const match = /^([0-9]{1,5})-([0-9]{1,5})$/.exec(text);
  const first = Number(match?.[1]);
  const last = Number(match?.[2]);
  return first >= 1 && last <= 65535 && last - first >= 3 ? { first, last } : undefined;
}

/** The number of ports of a cluster: the four, and one for each variable. */
export const portCount = (variables: readonly string[]): number => OWN.length + variables.length;

/**
 * The lowest block of ports that no open cluster has. The open clusters' records are the only
 * source for this, so that a crash loses nothing. Undefined if no block is free. With "default",
 * the template chooses the ports of `variables` as well.
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
