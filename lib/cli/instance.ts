/** Queries of the current instance that a command makes before it calls nodes. */
import { CommandError, EXIT, messageOf } from "../errors.js";
import { decodeIdset, encodeIdset } from "../flux/idset.js";
import { lastLine, noInstanceError } from "../flux/no-instance.js";
import { localEnvironment } from "../host/environment.js";
import type { Run } from "../host/command.js";

const DEADLINE_MS = 10_000;

/** Reads an attribute with flux-getattr(1). Throws a CommandError if no instance answers. */
export async function attribute(run: Run, name: string): Promise<string> {
  const argv = ["flux", "getattr", name];
  const env = localEnvironment();
  const answer = await run({ argv, env, timeoutMs: DEADLINE_MS });
  if (answer.exitCode === 0) return answer.stdout.trim();
  throw noInstanceError(lastLine(answer), "in one");
}

/** Whether the current user owns the instance, and may therefore see the clusters of all users. */
export async function isOwner(run: Run): Promise<boolean> {
  return Number(await attribute(run, "security.owner")) === process.getuid?.();
}

/**
 * The ranks of `--rank`, in an instance of `size` ranks; all ranks if it is not set. Throws a
 * CommandError if the idset is not valid.
 */
export function ranksOf(text: string | undefined, size: number): number[] {
  const all = Array.from({ length: size }, (_, rank) => rank);
  if (text === undefined || text === "all") return all;
  const ranks = decode(text);
  const beyond = ranks.filter((rank) => rank >= size);
  if (ranks.length > 0 && beyond.length === 0) return ranks;
  throw new CommandError(
    EXIT.usage,
    `--rank: found "${text}", allowed: ranks of ${encodeIdset(all)}`,
  );
}

function decode(text: string): number[] {
  try {
    return decodeIdset(text);
  } catch (error) {
    throw new CommandError(EXIT.usage, `--rank: ${messageOf(error)}`, { cause: error });
  }
}

/**
 * Refuses to run elsewhere than on rank 0 as the instance owner, because flux exec can reach rank 0
 * only from there. `verb` names the command for the message. Returns the owner's uid. Throws a
 * CommandError.
 */
export async function refuseElsewhere(run: Run, verb: string): Promise<number> {
  const rank = await attribute(run, "rank");
  if (rank !== "0")
    throw new CommandError(EXIT.failed, `this is rank ${rank}: run ${verb} on rank 0`);
  const owner = Number(await attribute(run, "security.owner"));
  const uid = process.getuid?.();
  if (owner !== uid)
    throw new CommandError(
      EXIT.failed,
      `this is uid ${uid}: run ${verb} as the instance owner, uid ${owner}`,
    );
  return owner;
}
