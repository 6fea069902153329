/** Event logs (RFC 18): one JSON object per line, and the text form that flux prints. */
export interface Entry {
  timestamp: number;
  name: string;
  context?: Record<string, unknown>;
}

/** Seconds since the epoch, to the microsecond. */
export function now(): number {
  return Math.round((performance.timeOrigin + performance.now()) * 1000) / 1e6;
}

export function encodeEntry(entry: Entry): string {
  const { timestamp, name, context } = entry;
  return `${JSON.stringify(context ? { timestamp, name, context } : { timestamp, name })}\n`;
}

export function decodeEventlog(text: string): Entry[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Entry);
}

/** Formats an entry like `1795449013.037094 claim ranks="0-1"`. */
export function formatEntry(entry: Entry): string {
  const words = Object.entries(entry.context ?? {}).map(
    ([key, value]) => `${key}=${JSON.stringify(value)}`,
  );
  return [entry.timestamp.toFixed(6), entry.name, ...words].join(" ");
}
