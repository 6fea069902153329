/**
 * The time axis of a drawn timeline. The phases are side by side, on one scale. A gap between them
 * stands for the time that the job ran. Pure.
 */
import { WIDTH, TOP, LEFT, RIGHT, LINE, text, spell, element } from "./svg-elements.js";
import type { Phase } from "./timeline.js";

export interface Area {
  phase: Phase;
  x: number;
  width: number;
  /** SVG units per second. */
  scale: number;
  /** The x coordinate of the gap before the phase; undefined if there is no gap. */
  gapX?: number;
  /** The text above the gap, such as how long the job ran. */
  gap?: string;
}

const GAP = 48;
/** The least width of a phase, in SVG units: a shorter one has no room for its axis. */
const LEAST = 110;

export function areas(phases: Phase[]): Area[] {
  const width = WIDTH - LEFT - RIGHT - GAP * (phases.length - 1);
  const lengths = phases.map(({ begin, end }) => Math.max(0.001, end - begin));
  const scale = scaleOf(lengths, width);
  let x = LEFT;
  return phases.map((phase, index) => {
    const phaseWidth = Math.max(LEAST, (lengths[index] ?? 0) * scale);
    const before = phases[index - 1];
    const gap = before ? { gapX: x, gap: gapOf(before, phase) } : {};
    if (before) x += GAP;
    const area = { phase, x, width: phaseWidth, scale, ...gap };
    x += phaseWidth;
    return area;
  });
}

/** The largest scale at which the phases fit. A short phase gets the least width. */
function scaleOf(lengths: number[], width: number): number {
  let short = 0;
  for (;;) {
    const sorted = lengths.toSorted((a, b) => a - b);
    const long = sorted.slice(short).reduce((sum, length) => sum + length, 0);
    const scale = (width - short * LEAST) / long;
    const next = sorted.filter((length) => length * scale < LEAST).length;
    if (next <= short || next >= lengths.length) return scale;
    short = next;
  }
}

function gapOf(before: Phase, phase: Phase): string {
  const time = spell(Math.max(0, phase.begin - before.end));
  return before.to === "start" ? `the job ran ${time}` : time;
}

export const xOf = ({ phase, x, scale }: Area, at: number): number =>
  x + Math.max(0, Math.min(phase.end, at) - phase.begin) * scale;

/** The axis of each phase, with lines, numbers and a caption, and the gaps between the phases. */
export function axes(drawn: Area[], bottom: number): string[] {
  return drawn.flatMap((area) => [...gapElements(area, bottom), ...axis(area, bottom)]);
}

function axis({ phase, x, width, scale }: Area, bottom: number): string[] {
  const step = tickStep(width / scale, Math.max(2, Math.floor(width / 70)));
  const parts: string[] = [];
  for (let at = 0; at * scale <= width + 0.01; at += step) {
    const tick = x + at * scale;
    const ends = { x1: tick, x2: tick, y1: TOP, y2: bottom };
    parts.push(element("line", { class: "line", ...ends, stroke: LINE, "stroke-width": 1 }));
    parts.push(
      text({ x: tick, y: bottom + 15, size: 11, anchor: "middle", look: "grey" }, number(at)),
    );
  }
  const caption = `seconds since ${phase.from}`;
  const middle = {
    x: x + width / 2,
    y: bottom + 34,
    size: 11,
    anchor: "middle",
    look: "grey",
  } as const;
  return [...parts, text(middle, width < LEAST + 40 ? `s since ${phase.from}` : caption)];
}

const number = (at: number) => String(Math.round(at * 100) / 100);

function gapElements({ gapX, gap }: Area, bottom: number): string[] {
  if (gapX === undefined) return [];
  const place = { x: gapX + 12, y: TOP, width: GAP - 24, height: bottom - TOP };
  const style = { x: gapX + GAP / 2, y: TOP - 40, size: 10.5, anchor: "middle" } as const;
  return [
    element("rect", { class: "pause", ...place, fill: "#f3f5f7" }),
    text({ ...style, look: "grey" }, gap ?? ""),
  ];
}

/** The events that start and end each phase, as marks above the bars. */
export function events(drawn: Area[], bottom: number): string[] {
  return drawn.flatMap((area) => {
    const { phase } = area;
    const marks = [
      { at: phase.begin, name: phase.from, anchor: "start" as const },
      { at: phase.end, name: phase.to, anchor: "end" as const },
    ];
    return marks.flatMap(({ at, name, anchor }) => {
      const x = xOf(area, at);
      const line = { x1: x, x2: x, y1: TOP - 12, y2: bottom, "stroke-width": 1 };
      const room = anchor === "end" && x - area.x < 60 ? "start" : anchor;
      const y = room === anchor ? TOP - 16 : TOP - 28;
      return [
        element("line", { class: "mark", ...line, stroke: "#8c959f", "stroke-dasharray": "2 2" }),
        text(
          { x: x + (room === "start" ? -2 : 2), y, size: 10.5, anchor: room, look: "grey" },
          name,
        ),
      ];
    });
  });
}

const ROUND = [
  ...[0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30],
  ...[60, 120, 300, 600, 1200, 1800],
];

/**
 * The smallest round number of seconds that divides `length` (seconds) into at most `most` steps.
 */
export function tickStep(length: number, most: number): number {
  const least = length / most;
  return ROUND.find((step) => step >= least) ?? Math.ceil(least / 3600) * 3600;
}
