/** Hostlists (RFC 29): `node[0-3,07],login1`. */
import { encodeIdset } from "./idset.js";

/** The hosts of a hostlist, in the order written. Throws a RangeError on malformed text. */
export function decodeHostlist(text: string): string[] {
  return splitOutsideBrackets(text).flatMap(expand);
}

function splitOutsideBrackets(text: string): string[] {
  const words = text.match(/(?:[^,[\]]|\[[^[\]]+\])+/g) ?? [];
  if (words.join(",") !== text) throw new RangeError(`"${text}" is not a hostlist`);
  return words;
}

function expand(word: string): string[] {
  const match = /^([^[\]]*)\[([^\]]+)\](.*)$/.exec(word);
  if (!match) return [word];
  const [, prefix = "", ranges = "", rest = ""] = match;
  const tails = expand(rest);
  return ranges
    .split(",")
    .flatMap((range) => numbers(range, word))
    .flatMap((number) => tails.map((tail) => prefix + number + tail));
}

function numbers(range: string, word: string): string[] {
  const match = /^([0-9]+)(?:-([0-9]+))?$/.exec(range);
  if (!match?.[1]) throw new RangeError(`"${word}" is not a hostlist: "${range}" is not a range`);
  const width = match[1].startsWith("0") ? match[1].length : 0;
  const last = Number(match[2] ?? match[1]);
  if (last < Number(match[1]))
    throw new RangeError(`"${word}" is not a hostlist: "${range}" runs backwards`);
  const list: string[] = [];
  for (let n = Number(match[1]); n <= last; n++) list.push(String(n).padStart(width, "0"));
  return list;
}

/**
 * `login1,node[08-11].hpc`: the hosts in their order. Only hosts that follow each other with
 * consecutive numbers share a range.
 */
export function encodeInOrder(hosts: readonly string[]): string {
  const runs: { head: string; tail: string; first: string; last: string }[] = [];
  for (const host of hosts) {
    const [, head = host, number = "", tail = ""] = /^(.*?)([0-9]{1,9})([^0-9]*)$/.exec(host) ?? [];
    const run = runs.at(-1);
    const follows = number !== "" && run?.last !== "" && number === next(run?.last ?? "");
    if (run && follows && run.head === head && run.tail === tail) run.last = number;
    else runs.push({ head, tail, first: number, last: number });
  }
  return runs
    .map(({ head, tail, first, last }) =>
      first === last ? head + first + tail : `${head}[${first}-${last}]${tail}`,
    )
    .join(",");
}

/** The next number, with at least as many digits: `010` for `009`, `1000` for `999`. */
const next = (number: string) => String(Number(number) + 1).padStart(number.length, "0");

/**
 * `node[0-3],login1`: each host once. Hosts that differ only in their last number share a range.
 */
export function encodeHostlist(hosts: Iterable<string>): string {
  const groups = new Map<string, { head: string; tail: string; numbers: string[] }>();
  for (const host of hosts) {
    const [, head = host, number = "", tail = ""] = /^(.*?)([0-9]{1,9})([^0-9]*)$/.exec(host) ?? [];
    // Leading zeros are part of the name.
    const width = number.length > 1 && number.startsWith("0") ? number.length : 0;
    const key = JSON.stringify([head, width, tail, number === ""]);
    const group = groups.get(key) ?? { head, tail, numbers: [] };
    group.numbers.push(number);
    groups.set(key, group);
  }
  return [...groups.values()].map(encodeGroup).join(",");
}

function encodeGroup({ head, tail, numbers }: { head: string; tail: string; numbers: string[] }) {
  const [first = ""] = numbers;
  if (numbers.every((number) => number === first)) return head + first + tail;
  const width = first.length > 1 && first.startsWith("0") ? first.length : 0;
  const ids = encodeIdset(numbers.map(Number));
  return `${head}[${ids.replace(/[0-9]+/g, (id) => id.padStart(width, "0"))}]${tail}`;
}
