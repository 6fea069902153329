/**
 * `flux exec`: the same command on a set of ranks. It is a Command again.
 *
 * Must be started on rank 0 if rank 0 is among them. It sends its environment
 * to every rank, which is why a Command's is explicit; with `input` its stdin, too.
 */
import type { Command } from "../host/command.js";
import { encodeIdset } from "./idset.js";

/** Seconds for Flux itself, beyond what the command may take on its rank. */
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
