/** The four ports of a cluster, the same on all its ranks. */

export interface Ports {
  etcd: number;
  kubelet: number;
  flannel: number;
  apiserver: number;
}

export const DEFAULT_PORTS: Ports = { etcd: 2379, kubelet: 10250, flannel: 8472, apiserver: 6443 };

export type PortRange = { first: number; last: number } | "default";

/** `20000-29999` or `default`; undefined if it is neither, or holds no four ports. */
export function parsePortRange(text: string): PortRange | undefined {
  if (text === "default") return "default";
  const match = /^([0-9]{1,5})-([0-9]{1,5})$/.exec(text);
  const first = Number(match?.[1]);
  const last = Number(match?.[2]);
  return first >= 1 && last <= 65535 && last - first >= 3 ? { first, last } : undefined;
}

/**
 * The lowest block of four ports that no open cluster has: all that is known
 * of taken ports is in the records, so a crash loses nothing. Undefined if no
 * block is free.
 */
export function choosePorts(range: PortRange, open: Iterable<Ports>): Ports | undefined {
  const taken = new Set<number>();
  for (const ports of open) for (const port of Object.values(ports) as number[]) taken.add(port);
  if (range === "default")
    return Object.values(DEFAULT_PORTS).some((port) => taken.has(port as number))
      ? undefined
      : DEFAULT_PORTS;
  for (let port = range.first; port + 3 <= range.last; port += 4)
    if (![0, 1, 2, 3].some((i) => taken.has(port + i)))
      return { etcd: port, kubelet: port + 1, flannel: port + 2, apiserver: port + 3 };
  return undefined;
}
