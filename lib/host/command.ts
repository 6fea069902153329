/**
 * One small value for "run this": here or, wrapped by lib/flux/exec, on ranks.
 * Always an argument vector and an explicit environment, never a shell string.
 */
export interface Command {
  argv: string[];
  /** The whole environment: nothing is inherited. */
  env: Record<string, string>;
  /** After this the process gets SIGTERM, and SIGKILL `KILL_AFTER_MS` later. */
  timeoutMs: number;
  /** Characters of its output that are taken, if not OUTPUT_MAX; it is ended beyond. */
  outputMax?: number;
}

export interface Outcome {
  /** Undefined if a signal ended it or it could not be started. */
  exitCode: number | undefined;
  /** At most `OUTPUT_MAX` characters each. */
  stdout: string;
  stderr: string;
  timedOut: boolean;
  /** Why it could not be started or how it was ended; empty if it ran to its end. */
  reason: string;
}

export interface RunOptions {
  /** The run is not wanted any more: SIGTERM, then SIGKILL. */
  signal?: AbortSignal;
  /** Called with each line of stderr as it comes, without its newline. */
  onStderrLine?: (line: string) => void;
  /** Called once, with its stdin; it has none otherwise. */
  onInput?: (input: Input) => void;
}

/** Input of a process that no longer reads is lost; the end of the process reveals that. */
export interface Input {
  write(line: string): void;
  end(): void;
}

export type Run = (command: Command, options?: RunOptions) => Promise<Outcome>;

export const KILL_AFTER_MS = 7_000;
export const OUTPUT_MAX = 1 << 20;
/** Of what Flux prints that users and nodes make: a jobspec with files in it, a list of all jobs. */
export const OUTPUT_MAX_FLUX = 128 << 20;

/** Runs and gives stdout; throws an Error with the command, its status and stderr. */
export async function output(runner: Run, command: Command): Promise<string> {
  const outcome = await runner(command);
  if (outcome.exitCode === 0) return outcome.stdout;
  const status = outcome.exitCode === undefined ? outcome.reason : `exit ${outcome.exitCode}`;
  const message = outcome.stderr.trim().split("\n").at(-1) ?? "";
  throw new Error(`${command.argv.join(" ")}: ${status}${message && `: ${message}`}`);
}
