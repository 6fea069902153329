/** Creates files, links and directories. Each exists as a whole or not at all. */
import {
  chmodSync,
  closeSync,
  fchmodSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join, sep } from "node:path";

/**
 * The name of a temporary file, which is always the same: the next install replaces the file of a
 * killed one.
 */
const temporary = (path: string): string => join(dirname(path), `.${basename(path)}.usernetes`);

/** Replaces a file. Its mode does not depend on the umask. */
export function putFile(path: string, content: Buffer, mode: number): void {
  const name = temporary(path);
  rmSync(name, { force: true });
  // The flag x prevents that open follows a link that somebody has created in the meantime.
  const fd = openSync(name, "wx", 0o600);
  try {
    writeSync(fd, content);
    fchmodSync(fd, mode);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(name, path);
}

export function putLink(path: string, to: string): void {
  const name = temporary(path);
  rmSync(name, { force: true });
  symlinkSync(to, name);
  renameSync(name, path);
}

export function makeDirectory(path: string): void {
  try {
    mkdirSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return;
    throw error;
  }
  // The umask of root may deny access to users.
  chmodSync(path, 0o755);
}

/** The missing directories above a path, outer ones first. */
export function missingAbove(path: string): string[] {
  const folder = dirname(path);
  if (folder === path || lstatSync(folder, { throwIfNoEntry: false })) return [];
  return [...missingAbove(folder), folder];
}

/**
 * Returns the directory outside the root to which a link on the path leads; undefined if the path
 * stays in the root.
 */
export function leadsOut(root: string, path: string): string | undefined {
  let folder = dirname(path);
  while (!lstatSync(folder, { throwIfNoEntry: false })) folder = dirname(folder);
  const top = lstatSync(root, { throwIfNoEntry: false }) ? realpathSync(root) : undefined;
  // A root that does not exist is created below an existing directory.
  if (top === undefined) return undefined;
  let real: string;
  try {
    real = realpathSync(folder);
  } catch {
    return "nowhere";
  }
  return real === top || real.startsWith(`${top === sep ? "" : top}${sep}`) ? undefined : real;
}
