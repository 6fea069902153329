/** What an install will do with each file, from what is there. Changes nothing. */
import { lstatSync, readFileSync, readlinkSync, realpathSync } from "node:fs";
import { join } from "node:path";
import type { Item, Roots } from "./items.js";
import { sha256, type Manifest } from "./manifest.js";
import { leadsOut } from "./put.js";

export type What =
  /** The file does not exist. */
  | "new"
  /** What is there is the package's. */
  | "same"
  /** What is there is an earlier version's, and nobody's change. */
  | "update"
  /** Somebody has changed it. */
  | "kept"
  /** It is no file that an install can put there. */
  | "refused";

export interface Change {
  item: Item;
  /** Absolute. */
  target: string;
  what: What;
  /** In words, of what is kept or refused. */
  why: string;
  /** The new version goes beside what is kept. */
  beside: boolean;
}

export function planInstall(items: Item[], roots: Roots, before: Manifest | undefined): Change[] {
  return items.map((item) => {
    const root = roots[item.root];
    const target = join(root, item.path);
    const out = leadsOut(root, target);
    const found =
      out === undefined
        ? look(item, target, before)
        : result("refused", `a symbolic link in its path leads out of ${root}, to ${out}`);
    return { item, target, ...found };
  });
}

type Found = Pick<Change, "what" | "why" | "beside">;

const result = (what: What, why = "", beside = false): Found => ({ what, why, beside });

function look(item: Item, target: string, before: Manifest | undefined): Found {
  const found = lstatSync(target, { throwIfNoEntry: false });
  if (!found) return result("new");
  if (found.isSymbolicLink()) return lookAtLink(item, target, before);
  if (!found.isFile()) return result("refused", "it exists and is not a file: move it away");
  if ("to" in item) return result("refused", "it exists and is a file: move it away");
  const hash = sha256(readFileSync(target));
  const packaged = sha256(item.content);
  if (hash === packaged) return result("same");
  if (item.ifNone) return result("kept", "the site's own file");
  const known = before?.files[target] ?? [];
  if (known.includes(hash)) return result("update");
  // Where the package has not changed since, there is nothing to choose from.
  return result("kept", "modified locally", !known.includes(packaged));
}

function lookAtLink(item: Item, target: string, before: Manifest | undefined): Found {
  const to = readlinkSync(target);
  if ("to" in item) {
    if (to === item.to) return result("same");
    if (before?.links[target] === to) return result("update");
    return result("refused", `it exists and is a link to ${to}: move it away`);
  }
  // npm's own link to the command, say.
  if (realpath(target) === realpath(item.source)) return result("same");
  return result("kept", `it is a link to ${to}`, !item.ifNone);
}

function realpath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
