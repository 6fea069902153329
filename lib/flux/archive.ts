/** `flux archive` (flux-archive(1)): files shared through the KVS, readable by the owner only. */
import type { Command } from "../host/command.js";

const DEADLINE_MS = 30_000;

/** Puts `file` of `directory` into a new archive; one of that name is replaced. */
export function createArchive(
  name: string,
  { directory, file, env }: { directory: string; file: string; env: Command["env"] },
): Command {
  const argv = ["flux", "archive", "create", "--overwrite", "--name", name, "-C", directory, file];
  return { argv, env, timeoutMs: DEADLINE_MS };
}

/**
 * What removes an archive, as part of any transaction; none of that name is no
 * error. An archive is one key of the KVS, and with --preserve a second.
 */
export function unlinkArchive(name: string): ["unlink", string][] {
  return [
    ["unlink", `archive.${name}`],
    ["unlink", `archive.${name}_blobs`],
  ];
}
