/** Properties of the output: width, colour, the form of job IDs. */
import { f58 } from "../flux/jobid.js";
import { INSTANCE } from "../usernetes/names.js";

export interface Look {
  /** Columns; Infinity if it is not a terminal. */
  width: number;
  colour: boolean;
  /** Ids are printed with their `ƒ`. */
  wide: boolean;
  /** The locale has the characters that charts are drawn with. */
  unicode: boolean;
  /** Printed lines can be redrawn: it is a terminal that is not dumb. */
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

/** NO_COLOR as no-color.org has it; ids as `flux jobs` prints them. */
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

/** Accepts no escape sequences, or unknown ones. */
const isDumb = ({ TERM }: Env) => !TERM || TERM === "dumb";

/** Python, which `flux jobs` is written in, takes UTF-8 for a C locale that LC_ALL does not ask for (PEP 538). */
function isCoerced(env: Env, locale: string): boolean {
  return !env["LC_ALL"] && (locale === "C" || locale === "POSIX");
}

export function terminalLook(): Look {
  return lookOf(process.env, process.stdout);
}

/** `ƒ2QT1HSJy5`, `f2QT1HSJy5` where the locale has no `ƒ`, or `instance`. */
export function nameOf(jobid: bigint, { wide }: Look = PLAIN): string {
  if (jobid === INSTANCE) return "instance";
  return wide ? f58(jobid) : `f${f58(jobid).slice(1)}`;
}

/** As wide as the terminal, with a `+` where something was cut off, as `flux jobs` has it. */
export function cut(line: string, { width }: Look): string {
  return line.length <= width ? line : `${line.slice(0, Math.max(0, width - 1))}+`;
}

/** Lines no wider than the terminal, with nothing cut off; continuation lines are indented. */
export function wrap(line: string, { width }: Look): string[] {
  if (line.length <= width || width < 20) return [line];
  const space = line.lastIndexOf(" ", width);
  // A word that is longer than half a line is broken: its rest is found below.
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

/** `0.3s`, `1.5m`, `2.1h`, as `flux jobs` does. */
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
