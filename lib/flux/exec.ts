/**
 * `flux exec`: the same command on a set of ranks. It is a Command again.
 *
 * Must be started on rank 0 if rank 0 is among them. It sends its environment
 * to every rank, which is why a Command's is explicit.
 */
import type { Command } from "../host/command.js";
import { encodeIdset } from "./idset.js";

/** Seconds for Flux itself, beyond what the command may take on its rank. */
const MARGIN_MS = 15_000;

export function fluxExec(ranks: readonly number[], command: Command): Command {
  return {
    ...command,
    argv: ["flux", "exec", "-r", encodeIdset(ranks), "-l", "-n", "-d", "/", ...command.argv],
    timeoutMs: command.timeoutMs + MARGIN_MS,
  };
}
