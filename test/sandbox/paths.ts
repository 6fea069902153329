/**
 * The paths of the embedded Flux: the package root, the first commands on the PATH, and the
 * stand-in template.
 */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "package.json"))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error("the embedded Flux is not inside its package");
    folder = parent;
  }
  return folder;
}

export const PACKAGE = packageRoot();
/** flux, hostname and make, which are first on the PATH of every process of a rank. */
export const BIN = join(PACKAGE, "test/sandbox/bin");
/** docker, podman, nerdctl and kubectl, which belong to the template, under any Flux. */
export const ENGINES = join(PACKAGE, "test/sandbox/engines");
/** The stand-in for a clone of usernetes. */
export const TEMPLATE = join(PACKAGE, "test/sandbox/template");
/** The job shell's plugin, and what stands for a job shell's Lua around it. */
export const PLUGIN = join(PACKAGE, "etc/flux/shell/lua.d/usernetes.lua");
export const SHELL = join(PACKAGE, "test/sandbox/shell.lua");
/** The version that `flux version` prints. */
export const VERSION = "0.88.0-embedded";
