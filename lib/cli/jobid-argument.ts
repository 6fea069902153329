/** Parses a job ID on the command line, in any of Flux's forms. */
import { CommandError, EXIT } from "../errors.js";
import { parseJobid } from "../flux/jobid.js";
import type { Run } from "../host/command.js";

const DEADLINE_MS = 10_000;

/** Throws a CommandError if it is not a valid job ID. */
export async function jobidOf(run: Run, text: string): Promise<bigint> {
  const known = parseJobid(text);
  if (known !== undefined) return known;
  // Flux has the dictionaries for IDs in words or emoji.
  const argv = ["flux", "job", "id", "--to=dec", "--", text];
  const env = process.env as Record<string, string>;
  const { exitCode, stdout } = await run({ argv, env, timeoutMs: DEADLINE_MS });
  if (exitCode === 0 && /^[0-9]+\s*$/.test(stdout)) return BigInt(stdout.trim());
  throw new CommandError(
    EXIT.usage,
    `invalid job ID "${text}": expected f58, decimal, hex, dothex, kvs or words`,
  );
}
