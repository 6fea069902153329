/** The requirements of hosts, ports, addresses and networks, which on-node/network.sh checks. */
import type { Config } from "../config/check.js";
import { DEFAULT_PORTS } from "../usernetes/ports.js";
import { subnet } from "../usernetes/subnets.js";
import { judgeBrokers, judgeClock, judgeHostNames, SKEW_S } from "./compare.js";
import type { Requirement } from "./requirement.js";

export function networkRequirements(config: Config): Requirement[] {
  return [...HOSTS, ...ports(config), CLOCK, address(config), networks(config)];
}

const HOSTS: Requirement[] = [
  {
    id: "host-name",
    what: "host name",
    how: "Flux's name of the host, as part of a Kubernetes node's (RFC 1123, 63 characters)",
    fatal: true,
    fix: "rename the host, or exclude it from jobs that ask for a cluster",
    judgeAll: judgeHostNames,
    ofHost: true,
  },
  {
    id: "one-broker",
    what: "one broker per host",
    how: "Flux's names of the hosts",
    fatal: false,
    fix: "start one broker per host: a cluster has one node on each host",
    judgeAll: judgeBrokers,
    ofHost: true,
  },
];

const CLOCK: Requirement = {
  id: "clock",
  what: "clocks",
  how: `date, on all nodes at once: ${SKEW_S} s from rank 0 at the most`,
  fatal: false,
  fix: "run chrony or another NTP client: certificates and tokens depend on the time",
  judgeAll: judgeClock,
};

const ports = ({ ports }: Config): Requirement[] => [
  {
    id: "ports",
    what: "free ports",
    how: "/proc/net/tcp, udp",
    fatal: false,
    fix: "set usernetes.ports to a range that nothing else uses (running clusters use ports of it, too)",
    judge: (text) => judgePorts(ports, text),
  },
  {
    id: "template-ports",
    what: "template's own ports",
    how: "fixed ports that its compose file publishes, in /proc/net/tcp, udp",
    fatal: false,
    fix: "stop the programs that use them, or remove them from the template's compose file (a running cluster uses them, too)",
  },
];

const address = ({ interface: dev }: Config): Requirement =>
  dev === undefined
    ? {
        id: "address",
        what: "node's address",
        how: "ip -4 route get 1, as the template finds HOST_IP",
        fatal: true,
        fix: "set usernetes.interface to the interface whose address other nodes can reach",
      }
    : {
        id: "interface",
        what: `interface ${dev}`,
        how: `ip -4 address show dev ${dev}`,
        fatal: true,
        fix: "set usernetes.interface to an interface that has an IPv4 address on every node",
      };

const networks = ({ subnets }: Config): Requirement => ({
  id: "networks",
  what: "free subnets",
  how: "ip -4 route, ip -4 address, beside usernetes.subnets",
  fatal: false,
  fix: "set usernetes.subnets to a network that no node has a route to or an address in (running clusters use it, too)",
  judge: (text) => judgeNetworks(subnets, text),
});

function judgePorts(range: Config["ports"], text: string): string | undefined {
  const taken = new Set(text.split(" ").filter(Boolean).map(Number));
  if (range === "default") {
    const takenPorts = Object.values(DEFAULT_PORTS).filter((port) => taken.has(port));
    return takenPorts.length === 0 ? undefined : `taken: ${takenPorts.join(" ")}`;
  }
  for (let port = range.first; port + 3 <= range.last; port += 4)
    if (![0, 1, 2, 3].some((i) => taken.has(port + i))) return undefined;
  return `no four ports of ${range.first}-${range.last} are free`;
}

/**
 * Finds networks of a node that overlap the pool. The node reports `NETWORK DEVICE NETWORK DEVICE
 * ...`.
 */
function judgeNetworks(pool: Config["subnets"], text: string): string | undefined {
  const words = text.split(" ");
  const found = new Set<string>();
  for (let i = 0; i + 1 < words.length; i += 2) {
    const network = parseNetwork(words[i] ?? "");
    if (!network) continue;
    const end = pool.address + pool.size * 256;
    if (network.first < end && network.last >= pool.address)
      found.add(`${words[i] ?? ""} (${words[i + 1] ?? ""})`);
  }
  if (found.size === 0) return undefined;
  const block = subnet(pool, 0).replace("/24", `/${24 - Math.log2(pool.size)}`);
  return `usernetes.subnets (${block}) overlaps ${[...found].join(", ")}`;
}

/** Returns the first and the last address of `10.1.0.0/16`, `10.1.2.3/24` or `10.1.2.3`. */
function parseNetwork(text: string): { first: number; last: number } | undefined {
  const match = /^([0-9.]+)(?:\/([0-9]+))?$/.exec(text);
  const octets = (match?.[1] ?? "").split(".").map(Number);
  const bits = Number(match?.[2] ?? 32);
  if (octets.length !== 4 || bits > 32) return undefined;
  const address = octets.reduce((sum, octet) => sum * 256 + octet, 0);
  const size = 2 ** (32 - bits);
  const first = Math.floor(address / size) * size;
  return { first, last: first + size - 1 };
}
