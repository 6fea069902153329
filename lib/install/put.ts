/** Puts files, links and directories in place: each is there as a whole, or not at all. */
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

/** The same name each time: what a killed install leaves is taken by the next one. */
const temporary = (path: string): string => join(dirname(path), `.${basename(path)}.usernetes`);

/** The mode is exactly this one, whatever the umask. */
export function putFile(path: string, content: Buffer, mode: number): void {
  const name = temporary(path);
  rmSync(name, { force: true });
  // A link that somebody put there in the meantime is not followed.
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
  // Root's umask may keep users out.
  chmodSync(path, 0o755);
}

/** The directories above a path that are not there, outer ones first. */
export function missingAbove(path: string): string[] {
  const folder = dirname(path);
  if (folder === path || lstatSync(folder, { throwIfNoEntry: false })) return [];
  return [...missingAbove(folder), folder];
}

/** Where a link on the way from the root to the path leads out of the root. */
export function leadsOut(root: string, path: string): string | undefined {
  let folder = dirname(path);
  while (!lstatSync(folder, { throwIfNoEntry: false })) folder = dirname(folder);
  const top = lstatSync(root, { throwIfNoEntry: false }) ? realpathSync(root) : undefined;
  // What is missing of the root itself will be made below what is there.
  if (top === undefined) return undefined;
  let real: string;
  try {
    real = realpathSync(folder);
  } catch {
    return "nowhere";
  }
  return real === top || real.startsWith(`${top === sep ? "" : top}${sep}`) ? undefined : real;
}
