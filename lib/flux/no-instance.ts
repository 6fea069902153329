/**
 * Detects that a flux command failed because no instance answers, and makes the error for it. If
 * the command's output was too large or the command could not be started, the error names that
 * reason instead.
 */
import { CommandError, EXIT } from "../errors.js";
import type { Outcome } from "../host/command.js";

const UNREACHABLE = /Unable to connect|flux_open|No such file|Connection (refused|reset)/;

/** The last line that the command printed on stderr, or else the reason why it was ended. */
export function lastLine({ stderr, reason }: Pick<Outcome, "stderr" | "reason">): string {
  return (stderr.trim() || reason).split("\n").at(-1) ?? "";
}

/** Flux did not answer in time. It may only be slow: a command that waits asks again. */
export class SlowFluxError extends CommandError {
  constructor(what: string) {
    super(
      EXIT.noInstance,
      `${what}: Flux did not answer in time; try again, or see \`flux ping 0\``,
    );
  }
}

/**
 * The error of a command that got no answer from an instance, or that did not run to its end.
 * Otherwise undefined. `what`: the command, as a person would type it.
 */
export function noInstance(outcome: Outcome, what: string): CommandError | undefined {
  const message = lastLine(outcome);
  if (outcome.timedOut) return new SlowFluxError(what);
  if (UNREACHABLE.test(message)) return noInstanceError(message);
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
