/**
 * Formats and parses the last lines of steps, which stay in the job's KVS directory after the
 * nodes' files are removed. Each step has one text, which the job's user can read (flux job info).
 * Each try with output has a heading. Each line starts with the ranks that printed it
 * (docs/record.md).
 */
import { decodeIdset, encodeIdset } from "../flux/idset.js";
import type { StepStatus } from "./events.js";
import { foldLines } from "./fold-lines.js";

/** Maximum bytes of a step's text, for any number of ranks and tries. */
export const TEXT_MAX = 64 << 10;
/** Bytes that are reserved for the line about the omitted lines. */
const CUT = 300;
/** Maximum characters of an idset in a heading, and in the line about omitted lines. */
const IDSET_MAX = 200;

/** A group of ranks that ended a try the same way, and the last lines of each. */
export interface Tail {
  attempt: number;
  status: StepStatus;
  /** Idset. */
  ranks: string;
  /** The reason if the status is not ok. */
  note: string;
  lines: ReadonlyMap<number, readonly string[]>;
}

/**
 * Returns at most `room` bytes. The text is empty if nothing was printed by a successful try, or if
 * there is not enough room.
 */
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

/** Returns the idset, or the number of ranks if the idset is long. */
function short(ranks: string): string {
  return ranks.length > IDSET_MAX ? `${decodeIdset(ranks).length} ranks` : ranks;
}

/** A try that was parsed from a step's text. */
export interface KeptTail {
  attempt: number;
  status: string;
  note: string;
  /** The ranks of the group; empty if they were too many to list. */
  ranks: number[];
  /** The lines in their order. */
  lines: { ranks: number[]; text: string }[];
  /** The line about the omitted lines; empty if none were omitted. */
  cut: string;
}

const HEADING = /^==> try ([0-9]+): ([a-z]+) on (?:([0-9,-]+)|[0-9]+ ranks)(?:: (.*))? <==$/;
const LINE = /^([0-9][0-9,-]*): (.*)$/;

/** Parses a step's text. Skips malformed lines. */
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
