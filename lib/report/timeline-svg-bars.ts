/** The bars of a drawn timeline, what is beside them, and the line of the longest chain. */
import { hostNames, names, type Cluster } from "../cluster/state.js";
import { element, escape } from "./svg.js";
import { xOf, type Area } from "./timeline-svg-axis.js";
import {
  CHAIN,
  fillOf,
  isBad,
  LEFT,
  spell,
  text,
  TOP,
  widthOf,
  WIDTH,
} from "./timeline-svg-style.js";
import type { Bar } from "./timeline-fold.js";

export interface Place {
  bar: Bar;
  area: Area;
  y: number;
  height: number;
}

const ROW = 22;
const PART = 16;
const SPACE = 6;

/** Each bar's place, from the top; the height of all. */
export function placeBars(bars: { area: Area; bars: Bar[] }[]): {
  places: Place[];
  height: number;
} {
  const places: Place[] = [];
  let y = TOP + SPACE;
  for (const { area, bars: own } of bars)
    for (const bar of own) {
      const row = bar.isPart ? PART : ROW;
      const height = bar.isPart ? 9 : 13;
      places.push({ bar, area, y: y + (row - height) / 2, height });
      y += row;
    }
  return { places, height: y + SPACE - TOP };
}

export function barElements(place: Place, cluster: Cluster): string[] {
  const { bar, area, y, height } = place;
  const x = xOf(area, bar.begin);
  const width = Math.max(1.5, xOf(area, bar.end) - x);
  const shape = { x, y, width, height, rx: Math.min(1.5, width / 3) };
  const hint = element("title", {}, escape(hintOf(bar, cluster)));
  return [
    label(place),
    element("rect", { ...shape, ...fillOf(bar), ...(bar.isWhole ? { opacity: 0.35 } : {}) }, hint),
    beside(place, cluster, { x, width }),
  ];
}

function label({ bar, y, height }: Place): string {
  const at = { x: LEFT - 12, y: y + height / 2 + 4, anchor: "end" } as const;
  if (bar.isPart) return text({ ...at, size: 10.5, look: "grey" }, bar.label);
  return text({ ...at, size: 12, ...(bar.isStepOnChain ? { weight: "600" } : {}) }, bar.label);
}

/** Hosts and time: right of the bar, or where there is no room in it, or left of it. */
function beside(
  { bar, y, height }: Place,
  cluster: Cluster,
  { x, width }: { x: number; width: number },
): string {
  const again = bar.attempt > 1 && !bar.isPart ? `, try ${bar.attempt}` : "";
  const bad = isBad(bar.status) ? ` ${bar.status}` : "";
  const all = bar.isWhole ? " from first to last" : "";
  const words = `${hostsOf(cluster, bar.ranks)} · ${spell(bar.seconds)}${all}${again}${bad}`;
  const size = bar.isPart ? 10 : 10.5;
  const needed = widthOf(words, size) + 12;
  const at = { y: y + height / 2 + 3.6, size };
  if (x + width + needed <= WIDTH)
    return text({ ...at, x: x + width + 6, look: "grey", halo: true }, words);
  if (needed < width && bar.status === "ok")
    return text(
      {
        ...at,
        x: x + width - 6,
        anchor: "end",
        look: bar.isOnChain && !bar.isWhole ? "on" : "ink",
      },
      words,
    );
  return text({ ...at, x: x - 6, anchor: "end", look: "grey", halo: true }, words);
}

/** In so many words: all are in the hint. */
function hostsOf(cluster: Cluster, ranks: number[]): string {
  const all = hostNames(cluster, ranks);
  if (all.length <= 28) return all;
  if (ranks.length > 9) return `${ranks.length} nodes`;
  return `${hostNames(cluster, ranks.slice(0, 1))} and ${ranks.length - 1} more`;
}

function hintOf(bar: Bar, cluster: Cluster): string {
  const what = [bar.label, bar.status === "ok" ? "" : bar.status].filter(Boolean).join(", ");
  return `${what}: ${names(cluster, bar.ranks)}, ${spell(bar.seconds)}`;
}

/** From the end of each step of the chain to the begin of the next, the first time that there is one. */
export function connectors(area: Area, places: Place[]): string[] {
  const own = places.filter((place) => place.area === area);
  const placeOf = new Map(
    own.flatMap((place) => place.bar.rows.map((row) => [row, place] as const)),
  );
  const seen = new Set<string>();
  return area.phase.chain.flatMap((link, index, chain) => {
    const before = chain[index - 1];
    const [from, to] = [before && placeOf.get(before.row), placeOf.get(link.row)];
    const { round, step, attempt } = link.row;
    const key = `${round} ${step} ${attempt}`;
    if (!to || seen.has(key)) return [];
    seen.add(key);
    return before && from
      ? [connector(from, to, [xOf(area, before.end), xOf(area, link.begin)])]
      : [];
  });
}

function connector(from: Place, to: Place, [x, until]: [number, number]): string {
  const isDown = to.y > from.y;
  const begin = isDown ? from.y + from.height : from.y;
  const side = isDown ? to.y : to.y + to.height;
  const isGap = until - x > 2;
  const across = isGap ? `V${num(to.y + to.height / 2)}H${num(until)}` : `V${num(side)}`;
  const path = { d: `M${num(x)} ${num(begin)}${across}`, fill: "none", stroke: CHAIN };
  return element("path", { class: "path", ...path, "stroke-width": 1.2 });
}

const num = (value: number) => String(Math.round(value * 100) / 100);
