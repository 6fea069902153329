/**
 * What steps printed at last, kept in the job's own directory of the KVS for who
 * looks later: one text a step, which the job's user can read (flux job info). Each
 * try that printed something has a heading, and lines that begin with the ranks that
 * printed them (docs/record.md).
 */
import { decodeIdset, encodeIdset } from "../flux/idset.js";
import type { StepStatus } from "./events.js";
import { foldLines } from "./fold-lines.js";

/** Bytes of a step's text, whatever the number of ranks and tries. */
export const TEXT_MAX = 64 << 10;
/** Bytes for the line that reports how much was cut. */
const CUT = 300;
/** Characters of an idset in a heading, and where lines were cut. */
const IDSET_MAX = 200;

/** A group of ranks that ended a try the same way, and the last lines of each. */
export interface Tail {
  attempt: number;
  status: StepStatus;
  /** Idset. */
  ranks: string;
  /** Why it is not ok. */
  note: string;
  lines: ReadonlyMap<number, readonly string[]>;
}

/** No more than `room` bytes; empty if nothing was printed, or it has no room. */
export function formatTail(tail: Tail, room: number): string {
  const { attempt, status, ranks, note, lines } = tail;
  const folded = foldLines([...lines].sort(([a], [b]) => a - b));
  if (folded.length === 0 && status === "ok") return "";
  const why = note === "" ? "" : `: ${note}`;
  const heading = `==> try ${attempt}: ${status} on ${short(ranks)}${why} <==\n`;
  let left = room - bytes(heading);
  if (left < CUT) return "";
  const kept: string[] = [];
  const cut = { lines: 0, ranks: new Set<number>() };
  for (const { ranks: outputRanks, text } of folded) {
    const line = `${encodeIdset(outputRanks)}: ${text}\n`;
    const size = bytes(line);
    if (left - size >= CUT) {
      kept.push(line);
      left -= size;
      continue;
    }
    cut.lines += outputRanks.length;
    for (const rank of outputRanks) cut.ranks.add(rank);
  }
  if (cut.lines > 0)
    kept.push(`(cut: ${cut.lines} lines of ranks ${short(encodeIdset(cut.ranks))})\n`);
  return heading + kept.join("");
}

const bytes = (text: string) => Buffer.byteLength(text);

/** An idset, or how many they are where it is long. */
function short(ranks: string): string {
  return ranks.length > IDSET_MAX ? `${decodeIdset(ranks).length} ranks` : ranks;
}

/** A try as it is read again. */
export interface KeptTail {
  attempt: number;
  status: string;
  note: string;
  /** The ranks of the group; empty if they were too many to list. */
  ranks: number[];
  /** In the order in which they were printed. */
  lines: { ranks: number[]; text: string }[];
  /** What was cut, in words. */
  cut: string;
}

const HEADING = /^==> try ([0-9]+): ([a-z]+) on (?:([0-9,-]+)|[0-9]+ ranks)(?:: (.*))? <==$/;
const LINE = /^([0-9][0-9,-]*): (.*)$/;

/** A malformed line is skipped. */
export function parseTails(text: string): KeptTail[] {
  const tails: KeptTail[] = [];
  for (const line of text.split("\n")) {
    const [, attempt, status = "", on = "", note = ""] = HEADING.exec(line) ?? [];
    if (attempt !== undefined) {
      const ranks = ranksOf(on);
      tails.push({ attempt: Number(attempt), status, note, ranks, lines: [], cut: "" });
    }
    const tail = tails.at(-1);
    if (!tail || attempt !== undefined) continue;
    const [, ranks = "", text = ""] = LINE.exec(line) ?? [];
    if (ranks !== "") tail.lines.push({ ranks: ranksOf(ranks), text: text });
    else if (line.startsWith("(cut: ")) tail.cut = line;
  }
  return tails;
}

function ranksOf(idset: string): number[] {
  try {
    return decodeIdset(idset);
  } catch {
    return [];
  }
}
