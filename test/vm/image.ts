/**
 * The disk image that the machines start from, built once (image/build) and kept outside of
 * the project, under a name made of what is in it: another list of packages, another file of
 * the machine or another Flux is another image. Nothing is ever written to it.
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

/** The command, and Debian's package of it. */
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
  /** The private key of root's ssh. */
  key: string;
}

/** Why no machine can be had here, with what to do; undefined where it is worth trying. */
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

/** The image, from the cache or built now, which takes minutes. Throws with the end of the build's log. */
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

/** `trixie-` and a checksum of all that decides what is in the image. */
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

/** The regular files of a directory and of those in it, in order; links are not followed. */
const filesOf = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
