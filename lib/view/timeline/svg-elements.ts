/**
 * The sizes, colours and elements of a drawn timeline. The colours can be distinguished by people
 * with colour blindness, and in grey (Okabe and Ito). A dark viewer gets colours of its own.
 */
import type { Bar } from "./bars.js";

export const WIDTH = 960;
/** The space above, to the left and to the right of the bars, in SVG units. */
export const TOP = 118;
export const LEFT = 150;
export const RIGHT = 24;
/** The space below the bars, for the axis and its caption. */
export const BOTTOM = 52;

export const FONT = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif";
export const PAPER = "#ffffff";
export const INK = "#1b1f24";
export const GREY = "#57606a";
export const LINE = "#d8dee4";
export const CHAIN = "#0072b2";
export const BESIDE = "#a9c4d8";
export const BAD = "#d55e00";

export const isBad = (status: Bar["status"]) => status !== "ok" && status !== "running";

export function fillOf({ status, isOnChain }: Pick<Bar, "status" | "isOnChain">) {
  if (isBad(status)) return { class: "bad", fill: "url(#bad)", stroke: BAD, "stroke-width": 1 };
  if (status === "running") {
    const dashes = { stroke: CHAIN, "stroke-width": 1.2, "stroke-dasharray": "3 2" };
    return { class: "runs", fill: CHAIN, "fill-opacity": 0.25, ...dashes };
  }
  return isOnChain ? { class: "chain", fill: CHAIN } : { class: "beside", fill: BESIDE };
}

export interface TextStyle {
  x: number;
  y: number;
  size: number;
  anchor?: "start" | "middle" | "end";
  weight?: "bold" | "600";
  /** `on`: the text is on a bar of the chain. */
  look?: "ink" | "grey" | "on";
  /** Surrounds the text with the background colour, so that no lines cross it. */
  halo?: boolean;
}

const COLOURS = { ink: INK, grey: GREY, on: PAPER };
const HALO = {
  stroke: PAPER,
  "stroke-width": 3,
  "stroke-linejoin": "round",
  "paint-order": "stroke",
};

export function text(how: TextStyle, content: string): string {
  const { x, y, size, anchor, weight, look = "ink", halo } = how;
  const place = { x, y, "font-size": size, "text-anchor": anchor, "font-weight": weight };
  const attributes = {
    ...{ class: halo ? `${look} halo` : look, fill: COLOURS[look], ...place },
    ...(halo ? HALO : {}),
  };
  return element("text", attributes, escape(content));
}

/** The approximate width of a text, in SVG units. The fonts of the viewer are unknown. */
export const widthOf = (content: string, size: number) => content.length * size * 0.56;

/** `2.10 s`, `12.40 s`, `2 min 5 s` */
export function spell(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(2)} s`;
  const rounded = Math.round(seconds);
  const [hours, minutes, rest] = [
    Math.floor(rounded / 3600),
    Math.floor(rounded / 60) % 60,
    rounded % 60,
  ];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return rest > 0 ? `${minutes} min ${rest} s` : `${minutes} min`;
}

type Attributes = Record<string, string | number | undefined>;

export function element(name: string, attributes: Attributes, ...children: string[]): string {
  const list = Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key}="${escape(short(value))}"`],
  );
  const open = [name, ...list].join(" ");
  return children.length === 0 ? `<${open}/>` : `<${open}>${children.join("")}</${name}>`;
}

/** Escapes text for the content or an attribute of an element. */
export const escape = (text: string): string =>
  text
    // XML cannot represent these characters.
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "?")
    .replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);

const short = (value: string | number) =>
  typeof value === "number" ? String(Math.round(value * 100) / 100) : value;

/**
 * The colours for a dark viewer, which the attribute `fill` cannot express. A viewer without
 * support for styles shows the light colours.
 */
export const DARK = `@media (prefers-color-scheme: dark) {
.paper { fill: #0d1117 } .halo { stroke: #0d1117 } .on { fill: #0d1117 } .ink { fill: #e6edf3 } .grey { fill: #9da7b3 } .line { stroke: #30363d }
.pause { fill: #161b22 } .chain { fill: #4aa8e0 } .path { stroke: #4aa8e0 } .beside { fill: #44596b }
.bad { stroke: #ff9b5e } .hatch { stroke: #ff9b5e } .runs { stroke: #4aa8e0 }
}`;

export const HATCH = element(
  "pattern",
  {
    id: "bad",
    width: 5,
    height: 5,
    patternUnits: "userSpaceOnUse",
    patternTransform: "rotate(45)",
  },
  element("line", { class: "hatch", x1: 0, y1: 0, x2: 0, y2: 5, stroke: BAD, "stroke-width": 3 }),
);
