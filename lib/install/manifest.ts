/**
 * The manifest of an install, PREFIX/libexec/usernetes/installed.json. Its checksums identify
 * modified files, and uninstall removes the files that it lists.
 *
 * An install writes it before it puts anything in place, with all files that may exist during the
 * install, and again at the end. A killed install can therefore be repeated or undone.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { CommandError, EXIT, messageOf } from "../errors.js";
import { MANIFEST, type Roots } from "./items.js";
import { putFile } from "./put.js";

export interface Manifest {
  version: string;
  roots: Roots;
  /** The SHA-256 of each file, by its absolute path. A file has several while an install runs. */
  files: Record<string, string[]>;
  /** The target of each link, by its absolute path. */
  links: Record<string, string>;
  /** The directories that an install created, outer ones first. */
  directories: string[];
}

export const manifestPath = (prefix: string): string => join(prefix, MANIFEST);

/**
 * Reads the manifest. Returns undefined if nothing is installed under this prefix. Throws a
 * CommandError if the manifest cannot be read.
 */
export function readManifest(prefix: string): Manifest | undefined {
  const path = manifestPath(prefix);
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Manifest;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new CommandError(
      EXIT.failed,
      `${path}: ${messageOf(error)}; if the file is broken, remove it: the package's own files are recognized without it`,
    );
  }
}

/** Throws a CommandError (usage) if the roots differ from those of the earlier install. */
export function refuseOtherRoots(before: Roots, roots: Partial<Roots>): void {
  for (const name of ["flux-root", "systemd-dir"] as const)
    if (roots[name] !== undefined && before[name] !== roots[name])
      throw new CommandError(
        EXIT.usage,
        `--${name}: found ${roots[name]}, but what is installed under ${before.prefix} has ${before[name]}: name that, or uninstall it first`,
      );
}

export function writeManifest(manifest: Manifest): void {
  const text = `${JSON.stringify(manifest, undefined, 1)}\n`;
  putFile(manifestPath(manifest.roots.prefix), Buffer.from(text), 0o644);
}

export const sha256 = (content: Buffer): string =>
  createHash("sha256").update(content).digest("hex");
