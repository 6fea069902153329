/**
 * Puts the package's files in place.
 *
 * Promises: an install never overwrites a modified file, but writes the new version to FILE.new;
 * each file is complete or absent; a repeated install continues a killed one.
 */
import { lstatSync } from "node:fs";
import { join } from "node:path";
import { CommandError, EXIT } from "../errors.js";
import { items, MANIFEST, type Item, type Roots } from "./items.js";
import {
  readManifest,
  refuseOtherRoots,
  sha256,
  writeManifest,
  type Manifest,
} from "./manifest.js";
import { planInstall, type Change } from "./plan.js";
import { leadsOut, makeDirectory, missingAbove, putFile, putLink } from "./put.js";
import { removeFile, type Removal } from "./uninstall.js";

export interface Installed {
  changes: Change[];
  /** Files of an earlier version that this version does not have. */
  removals: Removal[];
}

/**
 * Throws a CommandError if a link leads out of the prefix, or if the prefix has an installation
 * with other roots.
 */
export function install(roots: Roots, version: string, dryRun: boolean): Installed {
  const before = readManifest(roots.prefix);
  if (before) refuseOtherRoots(before.roots, roots);
  const out = leadsOut(roots.prefix, join(roots.prefix, MANIFEST));
  if (out !== undefined)
    throw new CommandError(
      EXIT.failed,
      `--prefix: found ${roots.prefix}, in which a link leads out of it, to ${out}`,
    );
  const changes = planInstall(items(), roots, before);
  const puts = changes.filter(({ what }) => what === "new" || what === "update");
  const besides = changes.filter(({ beside }) => beside);
  const manifest = manifestOf(changes, { version, roots, before });
  const old = Object.keys({ ...before?.files, ...before?.links }).filter(
    (path) => !(path in manifest.files) && !(path in manifest.links),
  );
  if (!dryRun) {
    for (const directory of manifest.directories) makeDirectory(directory);
    writeManifest(withEarlier(manifest, before));
    for (const { item, target } of puts) put(item, target);
    for (const { item, target } of besides) if ("content" in item) putBeside(item, target);
  }
  const removals = old.map((path) => removeFile(path, before, dryRun));
  if (!dryRun) writeManifest(manifest);
  return { changes, removals };
}

interface Placement {
  version: string;
  roots: Roots;
  before: Manifest | undefined;
}

function manifestOf(changes: Change[], { version, roots, before }: Placement): Manifest {
  const files: Manifest["files"] = {};
  const links: Manifest["links"] = {};
  for (const { item, target, what, beside } of changes) {
    if (what === "refused") continue;
    if ("to" in item) links[target] = item.to;
    else if (what === "kept" && item.ifNone) {
      // The administrator may have changed the file that an earlier install created.
      const known = before?.files[target];
      if (known) files[target] = known;
    } else if (!isLink(target)) files[target] = [sha256(item.content)];
    const stays = what === "kept" && before?.files[`${target}.new`] !== undefined;
    if ("content" in item && (beside || stays)) files[`${target}.new`] = [sha256(item.content)];
  }
  const paths = [...Object.keys(files), ...Object.keys(links), join(roots.prefix, MANIFEST)];
  const missing = paths.flatMap(missingAbove);
  const directories = [...new Set([...(before?.directories ?? []), ...missing])];
  return { version, roots, files, links, directories };
}

const isLink = (path: string): boolean =>
  lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;

/**
 * The files that may exist while the install runs, or after it was killed: those of the new and of
 * the earlier manifest.
 */
function withEarlier(manifest: Manifest, before: Manifest | undefined): Manifest {
  const files = { ...before?.files };
  for (const [path, sums] of Object.entries(manifest.files))
    files[path] = [...new Set([...(files[path] ?? []), ...sums])];
  return { ...manifest, files, links: { ...before?.links, ...manifest.links } };
}

function put(item: Item, target: string): void {
  if ("to" in item) {
    putLink(target, item.to);
    return;
  }
  const found = lstatSync(target, { throwIfNoEntry: false });
  // An existing file keeps its mode, because an administrator may have disabled a script by its
  // mode.
  putFile(target, item.content, found ? found.mode & 0o777 : item.mode);
}

/**
 * Writes FILE.new without execute permission, because Flux runs each executable file in some of
 * these directories.
 */
function putBeside(item: Extract<Item, { content: Buffer }>, target: string): void {
  putFile(`${target}.new`, item.content, item.mode & 0o666);
}
