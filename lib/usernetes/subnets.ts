/**
 * Node subnets. The i-th rank of a cluster gets the i-th /24 of a block from the pool, so that
 * subnets differ within a cluster and between the clusters of a node.
 */

export interface Pool {
  /** The pool's address as a number. */
  address: number;
  /** The number of /24 subnets in the pool. */
  size: number;
}

/** A run of /24 subnets of the pool. */
export interface Block {
  /** Index of the first /24 in the pool. */
  first: number;
  count: number;
}

/** The pool of all IPv4 addresses. */
export const WHOLE: Pool = { address: 0, size: 2 ** 24 };

/**
 * `10.100.0.0/14`. Undefined if the text is not a network from /8 to /24, or if its address has
 * bits beyond the prefix.
 */
export function parsePool(text: string): Pool | undefined {
  const match = /^([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})\/([0-9]{1,2})$/.exec(text);
  if (!match) return undefined;
  const octets = match.slice(1, 5).map(Number);
  const bits = Number(match[5]);
  if (octets.some((octet) => octet > 255) || bits < 8 || bits > 24) return undefined;
  const address = octets.reduce((sum, octet) => sum * 256 + octet, 0);
  return address % 2 ** (32 - bits) === 0 ? { address, size: 2 ** (24 - bits) } : undefined;
}

/** The `index`-th /24 of the pool, like `10.100.3.0/24`. */
export function subnet(pool: Pool, index: number): string {
  const address = pool.address + index * 256;
  return `${[24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".")}/24`;
}

/**
 * The index of a /24 in the pool; the reverse of `subnet`. If the subnet is not in the pool, the
 * index is negative or at least `size`.
 */
export function indexOf(pool: Pool, text: string): number {
  const address = text
    .replace(/\/24$/, "")
    .split(".")
    .reduce((sum, octet) => sum * 256 + Number(octet), 0);
  return (address - pool.address) / 256;
}

/** The `n`-th /24 after one: `10.100.4.0/24` for `10.100.3.0/24` and 1. */
export function following(text: string, n: number): string {
  return subnet(WHOLE, indexOf(WHOLE, text) + n);
}

/**
 * The block that a network takes, by its index in the pool, from which it may extend beyond the
 * pool. The network is given as a node prints it (`10.1.2.3/16`, `10.1.2.3`). Undefined if it does
 * not overlap with the pool, or if it is larger than /8: such a route (`0.0.0.0/1` of a VPN) is
 * like a default route.
 */
export function blockOfNetwork(pool: Pool, text: string): Block | undefined {
  const [, address = "", length = "32"] = /^([0-9.]+)(?:\/([0-9]+))?$/.exec(text) ?? [];
  const bits = Number(length);
  const octets = address.split(".").map(Number);
  if (octets.length !== 4 || bits < 8 || bits > 32) return undefined;
  const size = 2 ** Math.max(0, 24 - bits);
  const third = Math.floor(octets.reduce((sum, octet) => sum * 256 + octet, 0) / 256);
  const first = Math.floor(third / size) * size - pool.address / 256;
  return first < pool.size && first + size > 0 ? { first, count: size } : undefined;
}

/** The lowest free block of `count` /24 networks. Undefined if no block is free. */
export function chooseBlock(pool: Pool, count: number, open: Iterable<Block>): Block | undefined {
  const taken = [...open].sort((a, b) => a.first - b.first);
  let first = 0;
  for (const block of taken) {
    if (first + count <= block.first) break;
    first = Math.max(first, block.first + block.count);
  }
  return first + count <= pool.size ? { first, count } : undefined;
}
