/** Parses the address on which the daemon listens, in the form that an administrator writes. */
import { isIPv4, isIPv6 } from "node:net";

export interface Listen {
  host: string;
  port: number;
}

const LOOPBACK = "127.0.0.1";

/**
 * Accepts `127.0.0.1:9464`, `[::1]:9464` and `localhost:9464`. `:9464` and `9464` mean the loopback
 * address: an administrator must name an address that other hosts can reach. Returns undefined if
 * the text is not valid.
 */
export function parseListen(text: string): Listen | undefined {
  const [, bracketed, name, digits = ""] =
    /^(?:(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]*)):)?([0-9]{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === "" || port < 1 || port > 65_535) return undefined;
  if (bracketed !== undefined) return isIPv6(bracketed) ? { host: bracketed, port } : undefined;
  const host = name === undefined || name === "" ? LOOPBACK : name;
  return isHost(host) ? { host, port } : undefined;
}

/** A name that consists of digits and dots is valid only if it is an IPv4 address. */
function isHost(name: string): boolean {
  if (/^[0-9.]+$/.test(name)) return isIPv4(name);
  return name
    .split(".")
    .every((label) => /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/.test(label));
}

/** Returns `127.0.0.1:9464` or `[::1]:9464`. */
export const formatListen = ({ host, port }: Listen): string =>
  `${host.includes(":") ? `[${host}]` : host}:${port}`;
