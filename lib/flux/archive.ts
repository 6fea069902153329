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

/** Succeeds if there is none of that name. */
export function removeArchive(name: string, env: Command["env"]): Command {
  return { argv: ["flux", "archive", "remove", "-f", "--name", name], env, timeoutMs: DEADLINE_MS };
}
