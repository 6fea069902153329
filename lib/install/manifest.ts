/**
 * What an install has put on this system, in PREFIX/libexec/usernetes/installed.json:
 * by its checksums a modified file is recognized, and uninstall removes what it lists.
 *
 * It is written before anything is put in place, with all that may come to be there,
 * and again at the end: an install that was killed can be repeated, or undone.
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
  /** Each file's SHA-256, by its absolute path; more than one while an install runs. */
  files: Record<string, string[]>;
  /** Where each link leads. */
  links: Record<string, string>;
  /** Directories that were made, outer ones first. */
  directories: string[];
}

export const manifestPath = (prefix: string): string => join(prefix, MANIFEST);

/** Undefined: nothing is installed under this prefix. Throws a CommandError. */
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

/** Throws a CommandError (usage): these are not where it was put. */
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
