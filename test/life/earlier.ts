/** Earlier versions of the daemon, from the history of this repository. */
import { build } from "esbuild";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PACKAGE } from "../sandbox/paths.js";

/** The reason why there is no earlier version; undefined if there is one. */
export function whyNoEarlier(commit: string): string | undefined {
  const { status } = spawnSync("git", ["-C", PACKAGE, "cat-file", "-e", `${commit}^{commit}`]);
  return status === 0 ? undefined : `the history of this clone does not have the commit ${commit}`;
}

export interface Earlier {
  /** The path of its bin/flux-usernetes. */
  program: string;
  remove: () => void;
}

/** Builds the package of a commit with the current dependencies. */
export async function earlierVersion(commit: string): Promise<Earlier> {
  const folder = mkdtempSync(join(tmpdir(), "usernetes-earlier-"));
  const parts = ["bin", "lib", "plugin", "etc", "package.json"];
  const input = execFileSync("git", ["-C", PACKAGE, "archive", commit, ...parts], {
    maxBuffer: 1 << 28,
  });
  execFileSync("tar", ["-x", "-C", folder], { input });
  symlinkSync(join(PACKAGE, "node_modules"), join(folder, "node_modules"));
  mkdirSync(join(folder, "dist"));
  await build({
    entryPoints: [join(folder, "lib/cli/flux-usernetes.ts")],
    outfile: join(folder, "dist/bundle/flux-usernetes.js"),
    ...{ bundle: true, platform: "node", format: "esm", target: "node20", logLevel: "error" },
    // CommonJS packages load the modules of Node.js with require.
    banner: {
      js: 'import { createRequire } from "node:module";\nconst require = createRequire(import.meta.url);',
    },
  });
  return {
    program: join(folder, "bin/flux-usernetes"),
    remove: () => {
      rmSync(folder, { recursive: true });
    },
  };
}
