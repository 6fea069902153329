/** Host lists (RFC 29) of names that end in a number: `node[0-1,3]`. */
import { encodeIdset } from "../../lib/flux/idset.js";

export function encodeHostlist(names: string[]): string {
  const groups = new Map<string, number[]>();
  for (const name of names) {
    const [, prefix = name, digits] = /^(.*?)([0-9]+)$/.exec(name) ?? [];
    const ids = groups.get(prefix) ?? [];
    if (digits !== undefined) ids.push(Number(digits));
    groups.set(prefix, ids);
  }
  return [...groups]
    .map(([prefix, ids]) => {
      if (ids.length === 0) return prefix;
      return ids.length === 1 ? `${prefix}${ids[0]}` : `${prefix}[${encodeIdset(ids)}]`;
    })
    .join(",");
}
