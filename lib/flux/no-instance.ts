/**
 * Whether a flux command failed because no instance answers it, and the error for that.
 * A failure of our own (its output is too large, it could not be started) is another one,
 * and is reported as what it is.
 */
import { CommandError, EXIT } from "../errors.js";
import type { Outcome } from "../host/command.js";

const UNREACHABLE = /Unable to connect|flux_open|No such file|Connection (refused|reset)/;

/** The last line that it printed, or why it was ended. */
export function lastLine({ stderr, reason }: Pick<Outcome, "stderr" | "reason">): string {
  return (stderr.trim() || reason).split("\n").at(-1) ?? "";
}

/** Undefined where an instance has answered. `what`: the command, as a person would type it. */
export function noInstance(outcome: Outcome, what: string): CommandError | undefined {
  const message = lastLine(outcome);
  if (outcome.timedOut || UNREACHABLE.test(message)) return noInstanceError(message);
  if (outcome.exitCode !== undefined) return undefined;
  return new CommandError(EXIT.failed, `${what}: ${outcome.reason || message}`);
}

export function noInstanceError(message: string, where = ""): CommandError {
  const run = where === "" ? "" : `run this ${where}, or `;
  return new CommandError(
    EXIT.noInstance,
    `no Flux instance answers: ${message}; ${run}set FLUX_URI`,
  );
}
