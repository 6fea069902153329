/** Plans what an install does with each file, given the existing files. Changes nothing. */
import { lstatSync, readFileSync, readlinkSync, realpathSync } from "node:fs";
import { join } from "node:path";
import type { Item, Roots } from "./items.js";
import { sha256, type Manifest } from "./manifest.js";
import { leadsOut } from "./put.js";

export type What =
  /** The file does not exist. */
  | "new"
  /** The existing file is the package's. */
  | "same"
  /** The existing file is from an earlier version, and unmodified. */
  | "update"
  /** Somebody has modified the file, or it belongs to the site. */
  | "kept"
  /** The install cannot put a file at this path. */
  | "refused";

export interface Change {
  item: Item;
  /** Absolute path. */
  target: string;
  what: What;
  /** The reason, for a kept or refused file. */
  why: string;
  /** Whether the new version is written to FILE.new beside a kept file. */
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
  // If the packaged file has not changed since the last install, the administrator has no new
  // version to compare with.
  return result("kept", "modified locally", !known.includes(packaged));
}

function lookAtLink(item: Item, target: string, before: Manifest | undefined): Found {
  const to = readlinkSync(target);
  if ("to" in item) {
    if (to === item.to) return result("same");
    if (before?.links[target] === to) return result("update");
    return result("refused", `it exists and is a link to ${to}: move it away`);
  }
  // An example is npm's own link to the command.
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
