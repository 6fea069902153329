/**
 * A timeline as one SVG file that needs no script, font or other file. It is meant for a paper, a
 * ticket or a web page: light in print, dark in a dark viewer, and nothing depends on colour alone.
 * Pure.
 */
import { hostNames, names, type Cluster } from "../../cluster/state.js";
import { encodeHostlist } from "../../flux/hostlist.js";
import { nameOf } from "../terminal.js";
import { INSTANCE } from "../../usernetes/names.js";
import { barsOf, type Bar } from "./bars.js";
import { areas, axes, events, xOf, type Area } from "./axis.js";
import {
  BOTTOM,
  CHAIN,
  DARK,
  element,
  escape,
  fillOf,
  FONT,
  HATCH,
  isBad,
  LEFT,
  PAPER,
  spell,
  text,
  TOP,
  WIDTH,
  widthOf,
} from "./svg-elements.js";
import { sumsOf, type Timeline } from "./timeline.js";

/** The most phases that are drawn. There is no room for more. */
const MOST_PHASES = 3;

export function timelineSvg(timeline: Timeline): string {
  const drawn = areas(timeline.phases.slice(0, MOST_PHASES));
  const bars = drawn.map((area) => ({ area, bars: barsOf(area.phase) }));
  const { places, height } = placeBars(bars);
  const bottom = TOP + height;
  const parts = [
    element("title", { id: "title" }, escape(titleOf(timeline))),
    element("desc", { id: "desc" }, escape(description(timeline))),
    element("style", {}, DARK),
    element("defs", {}, HATCH),
    element("rect", { class: "paper", width: WIDTH, height: bottom + BOTTOM, fill: PAPER }),
    text({ x: 20, y: 32, size: 17, weight: "bold" }, titleOf(timeline)),
    text({ x: 20, y: 52, size: 12, look: "grey" }, subtitle(timeline)),
    ...legend(bars.flatMap((each) => each.bars)),
    ...axes(drawn, bottom),
    ...events(drawn, bottom),
    ...drawn.flatMap((area) => connectors(area, places)),
    ...places.flatMap((place) => barElements(place, timeline.cluster)),
  ];
  const size = { width: WIDTH, height: bottom + BOTTOM };
  const attributes = {
    ...{ xmlns: "http://www.w3.org/2000/svg", viewBox: `0 0 ${size.width} ${size.height}` },
    ...{ ...size, role: "img", "aria-labelledby": "title desc", "font-family": FONT },
  };
  const svg = element("svg", attributes, "\n", parts.join("\n"), "\n");
  return `<?xml version="1.0" encoding="UTF-8"?>\n${svg}\n`;
}

/** `Kubernetes for job ƒG7j4ab: 4 nodes ready in 10.60 s` */
function titleOf({ cluster, phases }: Timeline): string {
  const hosts = cluster.claim?.hosts.length ?? 0;
  const isInstance = cluster.jobid === INSTANCE;
  const name = isInstance ? "of the instance" : `for job ${nameOf(cluster.jobid)}`;
  return `Kubernetes ${name}: ${hosts} ${hosts === 1 ? "node" : "nodes"} ${how(cluster, phases)}`;
}

function how({ settle }: Timeline["cluster"], [up]: Timeline["phases"]): string {
  const took = up ? spell(up.end - up.begin) : "";
  if (up?.open) return `coming up for ${took}`;
  return settle?.outcome === "ready"
    ? `ready in ${took}`
    : `${settle?.outcome ?? "ended"} after ${took}`;
}

function subtitle({ cluster, phases }: Timeline): string {
  const hosts = encodeHostlist(cluster.claim?.hosts ?? []);
  const times = phases.slice(0, MOST_PHASES).map((phase) => {
    const { steps, total } = sumsOf(phase);
    return `${phase.name} ${spell(total)}, ${spell(steps)} of it in steps`;
  });
  // The title has the number of hosts, so a long list is left out.
  return [...(hosts.length > 40 ? [] : [hosts]), cluster.claim?.engine ?? "", ...times].join(" · ");
}

function description(timeline: Timeline): string {
  return timeline.phases
    .map((phase) => {
      const steps = phase.chain.map(({ row, begin, end }) => `${row.step} ${spell(end - begin)}`);
      const took = spell(phase.end - phase.begin);
      return `The ${phase.name}, from ${phase.from} to ${phase.to}, took ${took}; its longest chain: ${steps.join(", ")}.`;
    })
    .join(" ");
}

/** The legend, with the kinds of bars that are drawn. */
function legend(bars: Bar[]): string[] {
  const kinds: [boolean, Pick<Bar, "isOnChain" | "status">, string][] = [
    [true, { isOnChain: true, status: "ok" }, "longest chain"],
    [bars.some((bar) => !bar.isOnChain), { isOnChain: false, status: "ok" }, "beside it"],
    [bars.some(({ status }) => isBad(status)), { isOnChain: false, status: "failed" }, "failed"],
    [
      bars.some(({ status }) => status === "running"),
      { isOnChain: false, status: "running" },
      "runs",
    ],
  ];
  let x = 20;
  return kinds.flatMap(([there, kind, words]) => {
    if (!there) return [];
    const at = x;
    x += 30 + widthOf(words, 11) + 20;
    return [
      element("rect", { x: at, y: 66, width: 24, height: 10, rx: 1.5, ...fillOf(kind) }),
      text({ x: at + 30, y: 75, size: 11, look: "grey" }, words),
    ];
  });
}

export interface Place {
  bar: Bar;
  area: Area;
  y: number;
  height: number;
}

const ROW = 22;
const PART = 16;
const SPACE = 6;

/** The place of each bar, from top to bottom, and the height of all of them. */
export function placeBars(bars: { area: Area; bars: Bar[] }[]): {
  places: Place[];
  height: number;
} {
  const places: Place[] = [];
  let y = TOP + SPACE;
  for (const { area, bars: areaBars } of bars)
    for (const bar of areaBars) {
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

/**
 * The hosts and the time of a bar, to its right. If there is no room, the text is placed on the
 * bar, or to its left.
 */
function beside(
  { bar, y, height }: Place,
  cluster: Cluster,
  { x, width }: { x: number; width: number },
): string {
  const again = bar.attempt > 1 && !bar.isPart ? `, try ${bar.attempt}` : "";
  const bad = isBad(bar.status) ? ` ${bar.status}` : "";
  const all = bar.isWhole ? " from first to last" : "";
  const description = `${hostsOf(cluster, bar.ranks)} · ${spell(bar.seconds)}${all}${again}${bad}`;
  const size = bar.isPart ? 10 : 10.5;
  const needed = widthOf(description, size) + 12;
  const at = { y: y + height / 2 + 3.6, size };
  if (x + width + needed <= WIDTH)
    return text({ ...at, x: x + width + 6, look: "grey", halo: true }, description);
  if (needed < width && bar.status === "ok")
    return text(
      {
        ...at,
        x: x + width - 6,
        anchor: "end",
        look: bar.isOnChain && !bar.isWhole ? "on" : "ink",
      },
      description,
    );
  return text({ ...at, x: x - 6, anchor: "end", look: "grey", halo: true }, description);
}

/** The hosts of a bar, shortened. The hint lists all of them. */
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

/**
 * The lines from the end of each step of the chain to the start of the next one, one for each try
 * of a step.
 */
export function connectors(area: Area, places: Place[]): string[] {
  const areaPlaces = places.filter((place) => place.area === area);
  const placeOf = new Map(
    areaPlaces.flatMap((place) => place.bar.rows.map((row) => [row, place] as const)),
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
