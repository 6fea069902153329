/** A timeline for a terminal: a bar a row, as wide as the terminal. Pure. */
import { names, type Cluster } from "../cluster/state.js";
import { encodeIdset } from "../flux/idset.js";
import { cut, fsd, nameOf, wrap, type Look } from "./look.js";
import { barsOf, type Bar } from "./timeline-fold.js";
import { tickStep } from "./timeline-ticks.js";
import { drawBar } from "./timeline-text-bar.js";
import { exact, faults, sums } from "./timeline-words.js";
import type { Phase, Timeline } from "./timeline.js";

/** In a pipe that does not say how wide it may be. */
const WIDTH = 80;
/** No wider, that a bar and its name are still seen together. */
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

/** `4 nodes, bring-up 10.6s, teardown 1.3s` */
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
      const words = [labelOf(bar), place(bar, hosts[index] ?? "", columns), exact(bar.seconds)];
      const text = row(bar.isOnChain ? "*" : " ", words, columns);
      const fits = text.length + columns.bar <= look.width;
      const drawn = fits ? drawBar(bar, phase, { width: columns.bar, look }) : "";
      return `${cut(text, look)}${drawn}`.trimEnd();
    }),
    ...[...sums(cluster, phase), ...faults(cluster, phase)].flatMap((text) => wrap(text, look)),
  ];
}

/** Without room for hosts there are ranks; without room for those, none. */
function columnsOf(bars: Bar[], hosts: string[], look: Look): Columns {
  const longest = hosts.reduce((most, each) => Math.max(most, each.length), 5);
  const label = bars.reduce((most, bar) => Math.max(most, labelOf(bar).length), 16);
  const room = look.width - 2 - label - 1 - TIME - 1;
  const most = Math.floor(room * 0.4);
  const who = most < 6 ? 0 : Math.min(longest, most);
  return { label, who, bar: Math.max(8, room - (who > 0 ? who + 1 : 0)) };
}

function row(mark: string, words: string[], { label, who }: Columns): string {
  const [name = "", ranks = "", time = ""] = words;
  const place = who > 0 ? `${fitted(ranks, who)} ` : "";
  return `${mark} ${fitted(name, label)} ${place}${time.padStart(TIME)} `;
}

const labelOf = ({ label, isPart }: Bar) => (isPart ? `  ${label}` : label);

const fitted = (text: string, width: number) =>
  text.length > width ? `${text.slice(0, width - 1)}+` : text.padEnd(width);

function place(bar: Bar, hosts: string, { who }: Columns): string {
  return hosts.length <= who ? hosts : encodeIdset(bar.ranks);
}

/** `0s      2s      4s`: at each number its time begins. */
function axis(length: number, width: number): string {
  const step = tickStep(length, Math.max(1, Math.floor(width / 8)));
  let text = "";
  for (let at = 0; at <= length * 1.0001; at += step) {
    const cell = Math.round((at / (length || 1)) * width);
    const word = fsdShort(at);
    if (cell + word.length > width || cell < text.length) break;
    text = text.padEnd(cell) + word;
  }
  return text;
}

/** `5s`, `0.5s`, `2m`, `1.5m` */
function fsdShort(seconds: number): string {
  const rounded = Math.round(seconds * 100) / 100;
  return rounded < 60 ? `${rounded}s` : fsd(rounded);
}
