/** Reads the pages of docs/admin whose commands the tests run. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PACKAGE } from "../sandbox/paths.js";
import { commandsOf } from "./document.js";

type Page = "install" | "operate" | "engines" | "many-users";

/** Returns the commands of a section of docs/admin/PAGE.md, in order. */
export function admin(page: Page, heading: string): string[] {
  return commandsOf(readFileSync(join(PACKAGE, `docs/admin/${page}.md`), "utf8"), heading);
}
