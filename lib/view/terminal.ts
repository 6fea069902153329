/**
 * How output is adapted to a terminal or a pipe: its width, its colours, and the form of job IDs.
 */
import { f58 } from "../flux/jobid.js";
import { INSTANCE } from "../usernetes/names.js";

export interface Look {
  /** In columns; Infinity if the output is not a terminal. */
  width: number;
  colour: boolean;
  /** Job IDs are printed with `ƒ`, not with `f`. */
  wide: boolean;
  /** The locale is UTF-8, so bars and marks can be drawn with Unicode characters. */
  unicode: boolean;
  /** Printed lines can be drawn over: the output is a terminal, and not a dumb one. */
  redraws: boolean;
}

export const PLAIN: Look = {
  width: Infinity,
  colour: false,
  wide: true,
  unicode: true,
  redraws: false,
};

export type Env = Record<string, string | undefined>;
interface Stream {
  isTTY?: boolean;
  columns?: number;
}

/** Respects NO_COLOR (no-color.org). Job IDs have the form in which `flux jobs` prints them. */
export function lookOf(env: Env, stream: Stream): Look {
  const terminal = stream.isTTY === true;
  const locale = env["LC_ALL"] || env["LC_CTYPE"] || env["LANG"] || "C";
  const unicode = /utf-?8/i.test(locale);
  return {
    width: (terminal && stream.columns) || Infinity,
    colour: terminal && !env["NO_COLOR"] && !isDumb(env),
    wide: (unicode || isCoerced(env, locale)) && env["FLUX_F58_FORCE_ASCII"] === undefined,
    unicode,
    redraws: terminal && !isDumb(env),
  };
}

/** The terminal supports no escape sequences, or its type is unknown. */
const isDumb = ({ TERM }: Env) => !TERM || TERM === "dumb";

/**
 * `flux jobs` is written in Python, which uses UTF-8 in a C locale unless LC_ALL is set (PEP 538).
 */
function isCoerced(env: Env, locale: string): boolean {
  return !env["LC_ALL"] && (locale === "C" || locale === "POSIX");
}

export function terminalLook(): Look {
  return lookOf(process.env, process.stdout);
}

/** `ƒ2QT1HSJy5`, or `f2QT1HSJy5` if the locale has no `ƒ`, or `instance`. */
export function nameOf(jobid: bigint, { wide }: Look = PLAIN): string {
  if (jobid === INSTANCE) return "instance";
  return wide ? f58(jobid) : `f${f58(jobid).slice(1)}`;
}

/**
 * Cuts a line to the terminal's width. A `+` at the end shows that it was cut, as in `flux jobs`.
 */
export function cut(line: string, { width }: Look): string {
  return line.length <= width ? line : `${line.slice(0, Math.max(0, width - 1))}+`;
}

/**
 * Wraps a line to the terminal's width, with continuation lines indented. On a terminal narrower
 * than 20 columns, the line is not wrapped.
 */
export function wrap(line: string, { width }: Look): string[] {
  if (line.length <= width || width < 20) return [line];
  const space = line.lastIndexOf(" ", width);
  // If the last space is in the first half of the line, the word after it is split.
  const end = space > width / 2 ? space : width;
  return [line.slice(0, end), ...wrap(`    ${line.slice(end).trimStart()}`, { ...PLAIN, width })];
}

export type Paint = "green" | "yellow" | "red" | "blue" | "bold" | "dim";
const CODES: Record<Paint, string> = {
  ...{ green: "32", yellow: "33", red: "31", blue: "34", bold: "1", dim: "2" },
};

export function paint(text: string, colour: Paint | undefined, look: Look): string {
  if (!look.colour || colour === undefined || text === "") return text;
  return `\u001b[${CODES[colour]}m${text}\u001b[0m`;
}

/** `0.3s`, `1.5m`, `2.1h`, as `flux jobs` prints durations. */
export function fsd(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(1)}s`;
  for (const [unit, size, next] of [
    ["m", 60, 3600],
    ["h", 3600, 86_400],
  ] as const)
    if (seconds < next) return `${short(seconds / size)}${unit}`;
  return `${short(seconds / 86_400)}d`;
}

const short = (number: number) => String(Number(number.toPrecision(4)));
