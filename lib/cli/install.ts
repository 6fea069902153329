/**
 * `flux-usernetes install` and `uninstall`: install this package's files on a system, and remove
 * them.
 */
import { resolve } from "node:path";
import { CommandError, EXIT } from "../errors.js";
import { install } from "../install/install.js";
import type { Roots } from "../install/items.js";
import { uninstall } from "../install/uninstall.js";
import { nextSteps, changeLine, removalLine } from "../install/change-lines.js";
import { HelpedCommand } from "../help/command-help.js";
import { version } from "./version.js";

const NOTHING = "dry run: nothing was changed\n";

interface Options {
  fluxRoot: string;
  prefix: string;
  systemdDir?: string;
  dryRun?: true;
}

export function installCommand(): HelpedCommand {
  return new HelpedCommand({
    name: "install",
    summary: "put this package's files in place, on this node or in a tree for others",
    options: {
      "--flux-root <dir>": { text: "Flux's own configuration directory", default: "/etc/flux" },
      "--prefix <dir>": { text: "parent of bin, libexec and share", default: "/usr/local" },
      "--systemd-dir <dir>": "directory for the unit (default: PREFIX/lib/systemd/system)",
      "--dry-run": "print what would be done, and change nothing",
    },
    details: [
      `Prints one line per file: new, same, update, or kept (modified locally; the new version is
       then written to FILE.new). system/conf.d/usernetes.toml is only created if it does not
       exist. Rerun an interrupted install to continue it.`,
    ],
    exits: { 0: "done", 1: "a file could not be put in place", 2: "wrong usage" },
    examples: [
      "flux-usernetes install --dry-run",
      "flux-usernetes install --flux-root tree/etc/flux \\\n  --prefix tree/usr/local",
    ],
  }).action((options: Options) => {
    const roots = rootsOf(options);
    const done = withReason(() => install(roots, version(), options.dryRun ?? false));
    for (const change of done.changes) process.stdout.write(changeLine(change));
    for (const removal of done.removals) process.stdout.write(removalLine(removal));
    const refused = done.changes.filter(({ what }) => what === "refused").length;
    if (refused > 0)
      throw new CommandError(
        EXIT.failed,
        `install: ${refused} of ${done.changes.length} files ${options.dryRun ? "cannot be" : "were not"} put in place, see above`,
      );
    process.stdout.write(options.dryRun ? NOTHING : nextSteps(roots, process.env["PATH"]));
  });
}

export function uninstallCommand(): HelpedCommand {
  return new HelpedCommand({
    name: "uninstall",
    summary: "remove what install has put in place, and nothing else",
    options: {
      "--flux-root <dir>": "as for install (default: the directory of the last install)",
      "--prefix <dir>": { text: "as for install", default: "/usr/local" },
      "--dry-run": "print what would be done, and change nothing",
    },
    details: ["Locally modified files are kept and reported. Stop the daemon first."],
    exits: { 0: "done", 1: "a file could not be removed", 2: "wrong usage" },
    examples: ["flux-usernetes uninstall --dry-run"],
  }).action((options: Partial<Options> & { prefix: string }) => {
    const prefix = resolve(options.prefix);
    const { fluxRoot } = options;
    const roots = fluxRoot === undefined ? { prefix } : { prefix, "flux-root": resolve(fluxRoot) };
    const removals = withReason(() => uninstall(roots, options.dryRun ?? false));
    if (!removals) {
      process.stdout.write(`nothing of flux-usernetes is installed under ${prefix}\n`);
      return;
    }
    for (const removal of removals) process.stdout.write(removalLine(removal));
    if (options.dryRun) process.stdout.write(NOTHING);
    if (removals.some(({ what }) => what === "failed"))
      throw new CommandError(EXIT.failed, "uninstall: some files could not be removed, see above");
  });
}

function rootsOf({ fluxRoot, prefix, systemdDir }: Options): Roots {
  return {
    "flux-root": resolve(fluxRoot),
    prefix: resolve(prefix),
    "systemd-dir": resolve(systemdDir ?? `${prefix}/lib/systemd/system`),
  };
}

/** Converts a system error into a CommandError of one line. */
function withReason<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    const { code, path } = error as NodeJS.ErrnoException;
    if (code === undefined || path === undefined) throw error;
    const reasons: Record<string, string> = { EACCES: "permission denied", EROFS: "read-only" };
    throw new CommandError(
      EXIT.failed,
      `${path}: ${reasons[code] ?? code}; completed changes stay; rerun to continue`,
    );
  }
}
