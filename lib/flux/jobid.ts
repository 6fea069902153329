/**
 * Job IDs (RFC 19 FLUID): 64-bit integers with several spellings.
 *
 * In this project, a job ID is a bigint. Names are derived from it and never from a printed job ID,
 * because Flux prints `ƒ` or `f`, depending on the locale.
 */

const BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const MAX = (1n << 64n) - 1n;

/** `ƒ2QT1HSJy5`: RFC 19 F58, always with the `ƒ`. */
export function f58(jobid: bigint): string {
  let digits = "";
  for (let n = jobid; n > 0n; n /= 58n) digits = (BASE58[Number(n % 58n)] ?? "") + digits;
  return `ƒ${digits || "1"}`;
}

/** `0000.0003.d200.0000`: RFC 19 dotted hex. */
export function dothex(jobid: bigint): string {
  return jobid.toString(16).padStart(16, "0").match(/.{4}/g)?.join(".") ?? "";
}

/** `job.0000.0003.d200.0000`: the job's directory in the KVS (RFC 16). */
export function kvsDirectory(jobid: bigint): string {
  return `job.${dothex(jobid)}`;
}

function fromF58(digits: string): bigint | undefined {
  let n = 0n;
  for (const digit of digits) {
    const value = BASE58.indexOf(digit);
    if (value < 0) return undefined;
    n = n * 58n + BigInt(value);
  }
  return n;
}

/**
 * Parses a job ID that a person typed: F58 with `ƒ` or `f`, decimal, hex, dotted hex or a KVS
 * directory. Undefined if the text is not in one of these forms. The words and emoji of RFC 19 need
 * dictionaries and are not supported (`flux job id --to=dec` converts them).
 */
export function parseJobid(text: string): bigint | undefined {
  const jobid = parseAny(text.trim());
  return jobid === undefined || jobid > MAX ? undefined : jobid;
}

function parseAny(text: string): bigint | undefined {
  if (/^[0-9]+$/.test(text)) return BigInt(text);
  if (/^0[xX][0-9a-fA-F]+$/.test(text)) return BigInt(text);
  const dotted = /^(?:job\.)?([0-9a-fA-F]{4}(?:\.[0-9a-fA-F]{4}){3})$/.exec(text);
  if (dotted?.[1]) return BigInt(`0x${dotted[1].replaceAll(".", "")}`);
  const base58 = /^[ƒf]([1-9A-HJ-NP-Za-km-z]{1,11})$/.exec(text);
  return base58?.[1] ? fromF58(base58[1]) : undefined;
}
