/** The version of this package, from package.json. */
import { readFileSync } from "node:fs";
import { packagePath } from "../host/package.js";

export function version(): string {
  const text = readFileSync(packagePath("package.json"), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
