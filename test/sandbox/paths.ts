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
/** The folder of flux, hostname and make, which is first on the PATH of every process of a rank. */
export const BIN = join(PACKAGE, "test/sandbox/bin");
/**
 * The folder of docker, podman, nerdctl and kubectl, which belong to the stand-in template and also
 * work under a real Flux.
 */
export const ENGINES = join(PACKAGE, "test/sandbox/engines");
/** The stand-in for a clone of usernetes. */
export const TEMPLATE = join(PACKAGE, "test/sandbox/template");
/** The job shell's plugin, and the stand-in for the job shell's Lua that runs it. */
export const PLUGIN = join(PACKAGE, "etc/flux/shell/lua.d/usernetes.lua");
export const SHELL = join(PACKAGE, "test/sandbox/shell.lua");
/** The version that `flux version` prints. */
export const VERSION = "0.88.0-embedded";
