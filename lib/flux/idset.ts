/** Idsets (RFC 22): sets of ranks written `0-3,7`. */

/**
 * The largest rank that is accepted. No instance has a larger one, and a typing error must not use
 * up the memory.
 */
const MAX = 1 << 20;

/** The ranks of an idset, ascending. Throws a RangeError on malformed text. */
export function decodeIdset(text: string): number[] {
  const inner = text.replace(/^\[(.*)\]$/, "$1");
  if (inner === "") return [];
  const ids = new Set<number>();
  for (const part of inner.split(",")) {
    const match = /^([0-9]+)(?:-([0-9]+))?$/.exec(part);
    if (!match?.[1]) throw new RangeError(`"${text}" is not an idset: write it like 0-3,7`);
    const first = Number(match[1]);
    const last = Number(match[2] ?? match[1]);
    if (last < first) throw new RangeError(`"${text}" is not an idset: ${part} runs backwards`);
    if (last > MAX) throw new RangeError(`"${text}" is not an idset: ${part} is too large`);
    for (let id = first; id <= last; id++) ids.add(id);
  }
  return [...ids].sort((a, b) => a - b);
}

/** `0-3,7` for [7, 0, 1, 2, 3]; "" for none. */
export function encodeIdset(ids: Iterable<number>): string {
  const sorted = [...new Set(ids)].sort((a, b) => a - b);
  const parts: string[] = [];
  for (let i = 0; i < sorted.length;) {
    let j = i;
    while (sorted[j + 1] === (sorted[j] ?? 0) + 1) j++;
    parts.push(j > i ? `${sorted[i]}-${sorted[j]}` : `${sorted[i]}`);
    i = j + 1;
  }
  return parts.join(",");
}
