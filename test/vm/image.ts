/**
 * Provides the disk image from which the machines start. The script image/build builds the image
 * once, into a cache outside the project. The image's name contains a checksum of its inputs, so
 * that a change to the packages, to a file of the machine or to Flux leads to a new image. Machines
 * never write to the image.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { homedir } from "node:os";
import { join, relative } from "node:path";
import { PACKAGE } from "../sandbox/paths.js";

/** The required commands, with the Debian package of each. */
const NEEDED = {
  "qemu-system-x86_64": "qemu-system-x86",
  "qemu-img": "qemu-utils",
  mmdebstrap: "mmdebstrap",
  mke2fs: "e2fsprogs",
  ssh: "openssh-client",
};
const SOURCE = "test/vm/image";

export interface Image {
  disk: string;
  kernel: string;
  initrd: string;
  /** The private key with which ssh logs in as root. */
  key: string;
}

/** Returns why no machine can run here and what to do about it. Undefined: one may run. */
export function whyNoMachine(): string | undefined {
  if (process.getuid?.() !== 0) return "the image of a machine is built by root alone";
  if (process.env["FLUX_PREFIX"] === undefined)
    return "set FLUX_PREFIX to where a real Flux is installed: it goes into the machine";
  const missing = Object.entries(NEEDED)
    .filter(([command]) => spawnSync(command, ["--version"]).error !== undefined)
    .map(([, name]) => name);
  if (missing.length > 0)
    return `install ${missing.join(", ")}: apt-get install ${missing.join(" ")}`;
  return undefined;
}

/**
 * Returns the image from the cache, or builds it, which takes minutes. Throws the end of the
 * build's log if the build fails.
 */
export function openImage(log: (line: string) => void): Image {
  const cache = process.env["USERNETES_VM_CACHE"] ?? join(homedir(), ".cache/usernetes-vm");
  const folder = join(cache, nameOfContents());
  if (existsSync(folder)) log(`the image is ${folder}`);
  else {
    log(`building the image ${folder}`);
    const building = `${folder}.${String(process.pid)}`;
    mkdirSync(building, { recursive: true });
    const { status, stderr } = spawnSync(join(PACKAGE, "test/vm/image/build"), [building], {
      encoding: "utf8",
      stdio: ["ignore", "inherit", "pipe"],
    });
    if (status !== 0) {
      rmSync(building, { recursive: true, force: true });
      throw new Error(`no image was built: ${stderr.trim().split("\n").slice(-5).join("; ")}`);
    }
    renameSync(building, folder);
  }
  const file = (name: string) => join(folder, name);
  return {
    disk: file("disk.img"),
    kernel: file("vmlinuz"),
    initrd: file("initrd.img"),
    key: file("key"),
  };
}

/** Returns `trixie-` and a checksum of everything that determines the image's contents. */
function nameOfContents(): string {
  const hash = createHash("sha256");
  for (const file of filesOf(join(PACKAGE, SOURCE)))
    hash.update(relative(PACKAGE, file)).update(readFileSync(file));
  const flux = process.env["FLUX_PREFIX"];
  if (flux !== undefined)
    for (const file of filesOf(flux)) {
      const { size, mtimeMs } = statSync(file);
      hash.update(`${file} ${String(size)} ${String(mtimeMs)}\n`);
    }
  hash.update(process.env["USERNETES_VM_MIRROR"] ?? "");
  return `trixie-${hash.digest("hex").slice(0, 16)}`;
}

/** Returns the regular files below a directory in sorted order. Links are not followed. */
const filesOf = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
