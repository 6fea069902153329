/** Calls the daemon by a request to the Flux service `usernetes`, from any rank. */
import { CommandError, EXIT } from "../errors.js";
import { noInstanceError } from "../flux/no-instance.js";
import { packagePath } from "../host/package.js";
import type { Run } from "../host/command.js";

const ENOSYS = 38;
const MARGIN_MS = 5_000;

/**
 * Returns the daemon's answer. Throws a CommandError if no daemon or no instance answers, or if the
 * daemon reports an error.
 */
export async function callDaemon(
  run: Run,
  method: string,
  payload: unknown,
  timeoutMs: number,
): Promise<unknown> {
  const script = packagePath("plugin", "call.py");
  const request = [`usernetes.${method}`, JSON.stringify(payload), String(timeoutMs / 1000)];
  const env = process.env as Record<string, string>;
  const argv = ["flux", "python", script, ...request];
  const answer = await run({ argv, env, timeoutMs: timeoutMs + MARGIN_MS });
  if (answer.exitCode === 0) return JSON.parse(answer.stdout);
  const message = answer.stderr.trim().split("\n").at(-1) || answer.reason;
  const [, errno, text] = /^([0-9]+) (.*)$/.exec(message) ?? [];
  if (Number(errno) === ENOSYS && text?.includes("No service")) throw noDaemon();
  if (/Unable to connect|No such file or directory/.test(text ?? message))
    throw noInstanceError(text ?? message);
  throw new CommandError(EXIT.failed, text ?? message);
}

export function noDaemon(): CommandError {
  return new CommandError(
    EXIT.noDaemon,
    "no daemon runs in this Flux instance: start `flux-usernetes daemon` on its rank 0",
  );
}
