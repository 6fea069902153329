/**
 * Removes the files of an install that nobody has modified, and the directories that the install
 * created, if they are empty. Safe to repeat.
 */
import { lstatSync, readFileSync, readlinkSync, rmdirSync, rmSync } from "node:fs";
import { messageOf } from "../errors.js";
import type { Roots } from "./items.js";
import { manifestPath, readManifest, refuseOtherRoots, sha256, type Manifest } from "./manifest.js";
import { leadsOut } from "./put.js";

export interface Removal {
  path: string;
  what: "removed" | "gone" | "kept" | "failed";
  why: string;
}

/** Returns undefined if nothing is installed under this prefix. */
export function uninstall(
  roots: Partial<Roots> & { prefix: string },
  dryRun: boolean,
): Removal[] | undefined {
  const { prefix } = roots;
  const manifest = readManifest(prefix);
  if (!manifest) return undefined;
  refuseOtherRoots(manifest.roots, roots);
  const paths = [...Object.keys(manifest.files), ...Object.keys(manifest.links)];
  const removals = paths.map((path) => removeFile(path, manifest, dryRun));
  // The manifest stays, so that a repeated uninstall finds the remaining files.
  if (dryRun || removals.some(({ what }) => what === "failed")) return removals;
  rmSync(manifestPath(prefix), { force: true });
  for (const directory of manifest.directories.toReversed()) removeEmpty(directory);
  return removals;
}

/** Removes a file or link that is unchanged since the install. */
export function removeFile(path: string, manifest: Manifest | undefined, dryRun: boolean): Removal {
  const result = (what: Removal["what"], why = "") => ({ path, what, why });
  const root = rootOf(path, manifest?.roots);
  const out = root === undefined ? undefined : leadsOut(root, path);
  if (out !== undefined)
    return result("kept", `a symbolic link in its path leads out of the directory, to ${out}`);
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found) return result("gone");
  if (!isOurs(path, manifest)) return result("kept", "modified locally");
  try {
    if (!dryRun) rmSync(path);
    return result("removed");
  } catch (error) {
    return result("failed", messageOf(error));
  }
}

function isOurs(path: string, manifest: Manifest | undefined): boolean {
  const found = lstatSync(path);
  if (found.isSymbolicLink()) return manifest?.links[path] === readlinkSync(path);
  if (!found.isFile()) return false;
  return manifest?.files[path]?.includes(sha256(readFileSync(path))) ?? false;
}

/** The innermost root that contains the path. */
function rootOf(path: string, roots: Roots | undefined): string | undefined {
  return Object.values(roots ?? {})
    .map(String)
    .filter((root) => path.startsWith(`${root}/`))
    .toSorted((a, b) => b.length - a.length)[0];
}

function removeEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {
    // The directory is not empty, or no longer exists.
  }
}
