/** What a command asks of the instance that it is run in, before it reaches for its nodes. */
import { CommandError, EXIT, messageOf } from "../errors.js";
import { decodeIdset, encodeIdset } from "../flux/idset.js";
import { lastLine, noInstanceError } from "../flux/no-instance.js";
import { localEnvironment } from "../host/environment.js";
import type { Run } from "../host/command.js";

const DEADLINE_MS = 10_000;

/** Of flux-getattr(1). Throws a CommandError where no instance answers. */
export async function attribute(run: Run, name: string): Promise<string> {
  const argv = ["flux", "getattr", name];
  const env = localEnvironment();
  const answer = await run({ argv, env, timeoutMs: DEADLINE_MS });
  if (answer.exitCode === 0) return answer.stdout.trim();
  throw noInstanceError(lastLine(answer), "in one");
}

/** Whether whoever runs this owns the instance, and so may see the clusters of all users. */
export async function isOwner(run: Run): Promise<boolean> {
  return Number(await attribute(run, "security.owner")) === process.getuid?.();
}

/** The ranks of `--rank`, in an instance of `size` ranks; all ranks without it. Throws a CommandError. */
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
 * flux exec reaches rank 0 from rank 0 only, and for the instance's owner only; gives
 * the owner's uid. `verb`: what is to be run there. Throws a CommandError.
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
