/** Reads the lines of flux dmesg or `up` about steps. */
import { decodeIdset } from "../../lib/flux/idset.js";

/** The ranks, in order and with repetition, of `...STEP: HOSTS (rank IDSET): STATUS` lines. */
export function loggedRanks(text: string, step: string, status: string): number[] {
  const lines = text.split("\n").filter((line) => line.includes(`${step}: `));
  const printed = new RegExp(`\\(rank ([0-9,-]+)\\): ${status}\\b`);
  const ranks = lines.map((line) => printed.exec(line)?.[1] ?? "");
  return ranks.flatMap(decodeIdset).sort((a, b) => a - b);
}
