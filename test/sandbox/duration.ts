/** Parses and prints Flux Standard Durations (RFC 23): `1.5m`, `30`, `100ms`. */
const SECONDS: Record<string, number> = { ms: 1e-3, s: 1, m: 60, h: 3600, d: 86400, "": 1 };

/** Returns the seconds, or undefined if the text is not a valid FSD. */
export function parseFsd(text: string): number | undefined {
  if (/^(inf|infinity)$/i.test(text)) return Infinity;
  const match = /^([0-9]*\.?[0-9]+(?:e[+-]?[0-9]+)?)(ms|s|m|h|d|)$/.exec(text);
  return match ? Number(match[1]) * (SECONDS[match[2] ?? ""] ?? 1) : undefined;
}

/** Formats seconds like the TIME column of flux-jobs(1): `1.500s`. */
export function formatFsd(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(3)}s`;
  for (const [unit, size] of [
    ["d", 86400],
    ["h", 3600],
    ["m", 60],
  ] as const)
    if (seconds >= size) return `${Number((seconds / size).toPrecision(4))}${unit}`;
  return `${seconds}s`;
}
