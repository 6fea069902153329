/**
 * `flux exec`: runs the same command on a set of ranks. The result is a Command again.
 *
 * If rank 0 is in the set, the command must be started on rank 0. `flux exec` sends its environment
 * to every rank, which is why the environment of a Command is explicit. With `input`, it also sends
 * its stdin.
 */
import type { Command } from "../host/command.js";
import { encodeIdset } from "./idset.js";

/** Milliseconds for Flux itself, beyond what the command may take on its rank. */
const MARGIN_MS = 15_000;

export function fluxExec(
  ranks: readonly number[],
  command: Command,
  { input = false }: { input?: boolean } = {},
): Command {
  const options = ["-r", encodeIdset(ranks), "-l", ...(input ? [] : ["-n"]), "-d", "/"];
  return {
    ...command,
    argv: ["flux", "exec", ...options, ...command.argv],
    timeoutMs: command.timeoutMs + MARGIN_MS,
  };
}
