/**
 * Formats JSON like Python's json.dumps: with `, ` and `: ` as separators, and with escaped
 * non-ASCII characters on request. In Flux, jobspec, R and `flux jobs --json` have this format.
 */
const FLOATS = new Set(["starttime", "expiration", "runtime"]);

export function pythonJson(
  value: unknown,
  options: { ascii?: boolean; floats?: string[] } = {},
): string {
  const floats = new Set([...FLOATS, ...(options.floats ?? [])]);
  const write = (thing: unknown, key = ""): string => {
    if (Array.isArray(thing)) return `[${thing.map((item) => write(item)).join(", ")}]`;
    if (typeof thing === "object" && thing !== null)
      return `{${Object.entries(thing)
        .filter(([, inner]) => inner !== undefined)
        .map(([name, inner]) => `${JSON.stringify(name)}: ${write(inner, name)}`)
        .join(", ")}}`;
    if (typeof thing === "bigint") return thing.toString();
    if (typeof thing === "number" && Number.isInteger(thing) && floats.has(key))
      return `${thing}.0`;
    return JSON.stringify(thing);
  };
  const text = write(value);
  if (!options.ascii) return text;
  return text.replace(/[^\0-\x7f]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
