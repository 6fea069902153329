/** A timeline for a terminal, with one row per bar. Pure. */
import { names, type Cluster } from "../../cluster/state.js";
import { encodeIdset } from "../../flux/idset.js";
import { cut, fsd, nameOf, paint, wrap, type Look } from "../terminal.js";
import { barsOf, type Bar } from "./bars.js";
import { tickStep } from "./axis.js";

import { sumsOf, type Phase, type Timeline } from "./timeline.js";

/** The width in columns if the output is not a terminal. */
const WIDTH = 80;
/** The greatest width in columns: in a longer row, the bar would be too far from its name. */
const WIDEST = 160;
const TIME = 7;

export function timelineLines(timeline: Timeline, look: Look): string[] {
  const { cluster, phases } = timeline;
  const width = Math.min(look.width === Infinity ? WIDTH : look.width, WIDEST);
  const fitted = { ...look, width };
  return [
    ...wrap(`${nameOf(cluster.jobid, look)}: ${headline(timeline)}`, fitted),
    ...phases.flatMap((phase) => ["", ...phaseLines(cluster, phase, fitted)]),
  ];
}

/** `4 nodes, bring-up 10.60s, teardown 1.30s` */
function headline({ cluster, phases }: Timeline): string {
  const nodes = cluster.claim?.hosts.length ?? 0;
  const times = phases.map(({ name, begin, end, open }) => {
    const failed = name === "bring-up" && !open && cluster.settle?.outcome !== "ready";
    const how = failed && cluster.settle ? ` ${cluster.settle.outcome} after` : "";
    return `${name}${how} ${exact(end - begin)}${open ? " so far" : ""}`;
  });
  return [`${nodes} ${nodes === 1 ? "node" : "nodes"}`, ...times].join(", ");
}

interface Columns {
  label: number;
  who: number;
  bar: number;
}

function phaseLines(cluster: Cluster, phase: Phase, look: Look): string[] {
  const bars = barsOf(phase);
  const hosts = bars.map((bar) => names(cluster, bar.ranks));
  const columns = columnsOf(bars, hosts, look);
  const heading = row(" ", [phase.name.toUpperCase(), "RANKS", "TIME"], columns);
  return [
    cut(`${heading}${axis(phase.end - phase.begin, columns.bar)}`, look).trimEnd(),
    ...bars.map((bar, index) => {
      const cells = [labelOf(bar), place(bar, hosts[index] ?? "", columns), exact(bar.seconds)];
      const text = row(bar.isOnChain ? "*" : " ", cells, columns);
      const fits = text.length + columns.bar <= look.width;
      const drawn = fits ? drawBar(bar, phase, { width: columns.bar, look }) : "";
      return `${cut(text, look)}${drawn}`.trimEnd();
    }),
    ...[...sums(cluster, phase), ...faults(cluster, phase)].flatMap((text) => wrap(text, look)),
  ];
}

/**
 * The widths of the columns. If the hosts of a bar do not fit, its ranks are printed instead. If
 * there is no room for ranks either, `who` is 0.
 */
function columnsOf(bars: Bar[], hosts: string[], look: Look): Columns {
  const longest = hosts.reduce((most, each) => Math.max(most, each.length), 5);
  const label = bars.reduce((most, bar) => Math.max(most, labelOf(bar).length), 16);
  const room = look.width - 2 - label - 1 - TIME - 1;
  const most = Math.floor(room * 0.4);
  const who = most < 6 ? 0 : Math.min(longest, most);
  return { label, who, bar: Math.max(8, room - (who > 0 ? who + 1 : 0)) };
}

function row(mark: string, cells: string[], { label, who }: Columns): string {
  const [name = "", ranks = "", time = ""] = cells;
  const place = who > 0 ? `${fitted(ranks, who)} ` : "";
  return `${mark} ${fitted(name, label)} ${place}${time.padStart(TIME)} `;
}

const labelOf = ({ label, isPart }: Bar) => (isPart ? `  ${label}` : label);

const fitted = (text: string, width: number) =>
  text.length > width ? `${text.slice(0, width - 1)}+` : text.padEnd(width);

function place(bar: Bar, hosts: string, { who }: Columns): string {
  return hosts.length <= who ? hosts : encodeIdset(bar.ranks);
}

/** `0s      2s      4s`: each number starts at the column of its time. */
function axis(length: number, width: number): string {
  const step = tickStep(length, Math.max(1, Math.floor(width / 8)));
  let text = "";
  for (let at = 0; at <= length * 1.0001; at += step) {
    const cell = Math.round((at / (length || 1)) * width);
    const label = fsdShort(at);
    if (cell + label.length > width || cell < text.length) break;
    text = text.padEnd(cell) + label;
  }
  return text;
}

/** `5s`, `0.5s`, `2m`, `1.5m` */
function fsdShort(seconds: number): string {
  const rounded = Math.round(seconds * 100) / 100;
  return rounded < 60 ? `${rounded}s` : fsd(rounded);
}

const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/**
 * Draws a bar: full for a row on the chain, lighter for others. A bar that is not ok ends with a
 * mark.
 */
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
  /** The filled part of the next cell, from 0 to 1. */
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

/** `2.10s`, `1.5m`: with hundredths below a minute. */
export function exact(seconds: number): string {
  return seconds < 60 ? `${seconds.toFixed(2)}s` : fsd(seconds);
}

/**
 * How the time of a phase divides between the chain and the pauses around its steps, and what the
 * phase waits for.
 */
export function sums(cluster: Cluster, phase: Phase): string[] {
  const { before, steps, between, after, total } = sumsOf(phase);
  if (phase.chain.length === 0) return [];
  const soFar = phase.open ? " so far" : "";
  const gap = longestGap(phase);
  const parts = [
    `longest chain (*): ${exact(steps)} of ${exact(total)}${soFar}, ${phase.from} to ${phase.to}`,
    `not in its steps: ${exact(before)} before, ${exact(between)} between${gap}, ${exact(after)} after them`,
  ];
  const last = phase.chain.map(({ row }) => row).at(-1);
  if (phase.open && last?.status === "running")
    parts.push(
      `waiting for ${last.step} on ${shortNames(cluster, last.ranks)}${last.note && `: ${last.note}`}`,
    );
  return ["", ...parts];
}

/** The longest pause between two steps of the chain. Empty if it is half a second or less. */
function longestGap({ chain }: Phase): string {
  let most = 0.5;
  let text = "";
  for (const [index, link] of chain.entries()) {
    const gap = link.begin - (chain[index - 1]?.end ?? link.begin);
    if (gap <= most) continue;
    most = gap;
    const again = link.row.attempt > 1 ? `, try ${link.row.attempt}` : "";
    text = ` (${exact(gap)} before ${link.row.step}${again})`;
  }
  return text;
}

/** `node[1-2] (rank 1-2)`, or the number of nodes and the first rank if that is too long. */
function shortNames(cluster: Cluster, ranks: number[]): string {
  const text = names(cluster, ranks);
  return text.length > 60 ? `${ranks.length} nodes (rank ${ranks[0] ?? ""} and others)` : text;
}

const FAULTS = 5;

export function faults(cluster: Cluster, { rows }: Phase): string[] {
  const bad = rows.filter(({ status }) => status !== "ok" && status !== "running");
  const lines = bad.slice(0, FAULTS).map(({ step, ranks, attempt, status, note }) => {
    const again = attempt > 1 ? `, try ${attempt}` : "";
    return `${step}: ${status} on ${shortNames(cluster, ranks)}${again}${note && `: ${note}`}`;
  });
  const more = bad.length - FAULTS;
  return more > 0 ? [...lines, `and ${more} more failures`] : lines;
}
