/**
 * `flux archive` (flux-archive(1)): files that are shared through the KVS. Only the instance owner
 * can read them.
 */
import type { Command } from "../host/command.js";

const DEADLINE_MS = 30_000;

/** Puts `file` of `directory` into an archive. An archive of the same name is replaced. */
export function createArchive(
  name: string,
  { directory, file, env }: { directory: string; file: string; env: Command["env"] },
): Command {
  const argv = ["flux", "archive", "create", "--overwrite", "--name", name, "-C", directory, file];
  return { argv, env, timeoutMs: DEADLINE_MS };
}

/**
 * The operations that remove an archive, for use in any transaction. It is not an error if there is
 * no such archive. An archive is one key of the KVS, or two if it was made with --preserve.
 */
export function unlinkArchive(name: string): ["unlink", string][] {
  return [
    ["unlink", `archive.${name}`],
    ["unlink", `archive.${name}_blobs`],
  ];
}
