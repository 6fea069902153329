/** Flux Standard Duration (RFC 23): `90`, `1.5m`, `2h`, `1d`, `500ms`. */

const UNITS: Record<string, number> = {
  ms: 1,
  s: 1000,
  "": 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/**
 * Parses a duration to milliseconds. Undefined if the text is not a duration, or if it is
 * `infinity`: every wait has an end.
 */
export function parseFsd(text: string): number | undefined {
  const match = /^([0-9]+(?:\.[0-9]+)?|\.[0-9]+)(ms|s|m|h|d|)$/.exec(text.trim());
  const unit = UNITS[match?.[2] ?? "?"];
  return match?.[1] === undefined || unit === undefined ? undefined : Number(match[1]) * unit;
}

/**
 * `15m`, `1.5s`: for people, in the largest unit that gives a whole number, or else in seconds,
 * rounded to tenths.
 */
export function formatFsd(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}ms`;
  for (const [unit, size] of [
    ["d", 86_400_000],
    ["h", 3_600_000],
    ["m", 60_000],
  ] as const)
    if (ms >= size && ms % size === 0) return `${ms / size}${unit}`;
  return `${Math.round(ms / 100) / 10}s`;
}
