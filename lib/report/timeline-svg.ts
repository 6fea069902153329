/**
 * A timeline as one SVG file: nothing beside it is needed, no script, font or style.
 * For a paper, a ticket or a page: light where it is printed, dark where its viewer is,
 * and nothing depends on colour alone. Pure.
 */
import { encodeHostlist } from "../flux/hostlist.js";
import { INSTANCE } from "../usernetes/names.js";
import { nameOf } from "./look.js";
import { element, escape } from "./svg.js";
import { barsOf, type Bar } from "./timeline-fold.js";
import { areas, axes, events } from "./timeline-svg-axis.js";
import { barElements, connectors, placeBars } from "./timeline-svg-bars.js";
import { BOTTOM, DARK, fillOf, FONT, HATCH, isBad, PAPER } from "./timeline-svg-style.js";
import { spell, text, TOP, WIDTH, widthOf } from "./timeline-svg-style.js";
import { sumsOf, type Timeline } from "./timeline.js";

/** More of them would leave no room for each other. */
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

/** `Kubernetes for job ƒG7j4ab: 4 nodes ready in 10.6 s` */
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
  // The title has how many they are.
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

/** What each way to draw a bar means, of those that are there. */
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
