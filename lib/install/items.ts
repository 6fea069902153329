/**
 * Lists what `flux-usernetes install` puts in place, as data. The flux root gets files in Flux's
 * own layout. The prefix gets the documentation and the programs that each node needs, which run
 * without Node.js.
 */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { CommandError, EXIT } from "../errors.js";
import { packagePath } from "../host/package.js";

/** Absolute paths, by the names of the options. */
export interface Roots {
  "flux-root": string;
  prefix: string;
  "systemd-dir": string;
}

export type RootName = keyof Roots;

/** A file, or a link, below one of the roots. */
export type Item = {
  root: RootName;
  /** Path relative to the root. */
  path: string;
} & (
  | { content: Buffer; mode: number; source: string; ifNone?: true }
  /** A symbolic link; `to` is an absolute path. */
  | { to: string }
);

/**
 * The link by which an installed bin/flux-usernetes finds the package, on the node that has the
 * package.
 */
export const PACKAGE_LINK = "libexec/usernetes/package";
export const MANIFEST = "libexec/usernetes/installed.json";
export const CONFIGURATION = "system/conf.d/usernetes.toml";

/**
 * The folder of the steps' scripts, and the folder of the programs that run them on a node for
 * bin/usernetes.
 */
const SCRIPTS = "lib/node/steps";
const NODE = "lib/node";

/** The folder of manual pages and completions, which build/manual/build.ts creates. */
const SHARE = "dist/share";

/** Throws a CommandError if the package is not built. */
export function items(): Item[] {
  if (!existsSync(packagePath(SHARE)))
    throw new CommandError(EXIT.failed, `${packagePath(SHARE)} does not exist: run npm run build`);
  return [
    ...tree("etc/flux").map((path) => ({
      ...file("flux-root", path, `etc/flux/${path}`),
      // The administrator owns this file, so an install creates it only once.
      ...(path === CONFIGURATION ? { ifNone: true as const } : {}),
    })),
    ...["usernetes", "flux-usernetes"].map((name) => file("prefix", `bin/${name}`, `bin/${name}`)),
    ...tree(SCRIPTS).map((path) => libexec(`steps/${path}`, `${SCRIPTS}/${path}`)),
    ...tree(NODE)
      .filter((path) => /^(agent\/)?[^/]*\.py$/.test(path))
      .map((path) => libexec(path, `${NODE}/${path}`)),
    ...tree(SHARE).map((path) => file("prefix", `share/${path}`, `${SHARE}/${path}`)),
    { root: "prefix", path: PACKAGE_LINK, to: packagePath() },
    ...tree("etc/systemd/system").map((path) =>
      file("systemd-dir", path, `etc/systemd/system/${path}`),
    ),
  ];
}

const libexec = (path: string, source: string): Item =>
  file("prefix", `libexec/usernetes/${path}`, source);

function file(root: RootName, path: string, source: string) {
  const from = packagePath(source);
  const mode = (statSync(from).mode & 0o100) === 0 ? 0o644 : 0o755;
  return { root, path, source: from, content: readFileSync(from), mode };
}

/** Lists the files below a folder of the package, except compiled Python files and backup files. */
function tree(folder: string): string[] {
  return readdirSync(packagePath(folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/\.pyc$|~$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(packagePath(folder).length + 1))
    .toSorted();
}
