/** Finds a Lua interpreter for the shell plugin, and formats values as Lua literals. */
import { spawnSync } from "node:child_process";

/** Flux's job shell can be built with any of these versions. */
const NAMES = ["lua5.3", "lua5.4", "lua5.2", "lua5.1", "lua"];

let found: string | undefined | false = false;

/** Returns SANDBOX_LUA or the first Lua on the PATH, or undefined if none is installed. */
export function findLua(): string | undefined {
  if (found === false) {
    const named = process.env["SANDBOX_LUA"];
    const names = named === undefined ? NAMES : [named];
    found = names.find((name) => spawnSync(name, ["-v"]).status === 0);
  }
  return found;
}

/** Returns why tests that need the shell plugin are skipped, or undefined if they can run. */
export const whyNoLua = (): string | undefined =>
  findLua() === undefined
    ? "there is no Lua, which runs the shell plugin: install lua5.3"
    : undefined;

/** Escapes every byte except letters and digits as `\ddd`, so that no byte can end the literal. */
function quoted(text: string): string {
  const escaped = Buffer.from(text, "utf8")
    .toString("latin1")
    .replace(/[^A-Za-z0-9 _./:=-]/g, (byte) => `\\${String(byte.charCodeAt(0)).padStart(3, "0")}`);
  return `"${escaped}"`;
}

/** Returns a JSON value as a Lua expression on one line. As in the job shell, null is NULL. */
export function luaLiteral(value: unknown): string {
  if (value === null) return "NULL";
  if (typeof value === "string") return quoted(value);
  if (Array.isArray(value)) return `{${value.map(luaLiteral).join(",")}}`;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  const pairs = Object.entries(value as object).filter(([, inner]) => inner !== undefined);
  return `{${pairs.map(([key, inner]) => `[${quoted(key)}]=${luaLiteral(inner)}`).join(",")}}`;
}
