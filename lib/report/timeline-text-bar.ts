/** A bar of a timeline, of characters: of ASCII ones where the locale has no others. Pure. */
import { paint, type Look } from "./look.js";
import type { Bar } from "./timeline-fold.js";
import type { Phase } from "./timeline.js";

const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** The chain is full, the rest is lighter; what did not end well has a mark at its end. */
export function drawBar(
  bar: Bar,
  phase: Phase,
  { width, look }: { width: number; look: Look },
): string {
  const scale = width / (phase.end - phase.begin || 1);
  const cell = Math.floor((bar.begin - phase.begin) * scale);
  const begin = Math.min(width - 1, Math.max(0, cell));
  const end = Math.min(width, Math.max(begin, (bar.end - phase.begin) * scale));
  const full = Math.floor(end - begin);
  const mark = MARKS[bar.status]?.[look.unicode ? 0 : 1] ?? "";
  const text = fill(bar, { full, rest: end - begin - full, unicode: look.unicode });
  const marked =
    mark === "" ? text : `${text.slice(0, Math.max(0, Math.ceil(end - begin) - 1))}${mark}`;
  return " ".repeat(begin) + paint(marked, colourOf(bar), look);
}

function colourOf({ status, isOnChain }: Bar): "green" | "blue" | "red" | undefined {
  if (status === "running") return "blue";
  if (status !== "ok") return "red";
  return isOnChain ? "green" : undefined;
}

const MARKS: Partial<Record<Bar["status"], [string, string]>> = {
  running: ["▶", ">"],
  failed: ["✗", "x"],
  timeout: ["✗", "x"],
  lost: ["✗", "x"],
  "cut off": ["✗", "x"],
};

interface Fill {
  full: number;
  /** Of a further cell. */
  rest: number;
  unicode: boolean;
}

function fill(bar: Bar, { full, rest, unicode }: Fill): string {
  const isOnChain = bar.isOnChain && !bar.isWhole;
  const character = unicode ? (isOnChain ? "█" : "▒") : isOnChain ? "#" : "=";
  if (!unicode || !isOnChain) return character.repeat(Math.max(1, Math.round(full + rest)));
  const eighths = Math.floor(rest * 8);
  return character.repeat(full) + (EIGHTHS[full === 0 ? Math.max(1, eighths) : eighths] ?? "");
}
