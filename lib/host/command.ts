/**
 * A command to run: here or, wrapped by lib/flux/exec, on ranks. It always has an argument vector
 * and an explicit environment, and is never a shell string.
 */
export interface Command {
  argv: string[];
  /** The whole environment: the process inherits nothing else. */
  env: Record<string, string>;
  /** After this time, the process gets SIGTERM, and SIGKILL `KILL_AFTER_MS` later. */
  timeoutMs: number;
  /**
   * The most characters of stdout and of stderr; by default OUTPUT_MAX. A process that prints more
   * is ended.
   */
  outputMax?: number;
}

export interface Outcome {
  /**
   * Undefined if a signal ended the process, if it printed too much, or if it could not be started.
   */
  exitCode: number | undefined;
  /** Both have at most `outputMax` characters. `stderr` is empty if `onStderrLine` gets it. */
  stdout: string;
  stderr: string;
  timedOut: boolean;
  /** Why the process could not be started or how it was ended. Empty if it exited by itself. */
  reason: string;
}

export interface RunOptions {
  /** Aborting it ends the process with SIGTERM, then SIGKILL. */
  signal?: AbortSignal;
  /** Called with each line of stderr as soon as it arrives, without its newline. */
  onStderrLine?: (line: string) => void;
  /** Called once, with the process's stdin. Without it, the process has no stdin. */
  onInput?: (input: Input) => void;
}

/**
 * The stdin of a process. Input to a process that no longer reads is lost; the end of the process
 * reveals that.
 */
export interface Input {
  write(line: string): void;
  end(): void;
}

export type Run = (command: Command, options?: RunOptions) => Promise<Outcome>;

export const KILL_AFTER_MS = 7_000;
export const OUTPUT_MAX = 1 << 20;
/**
 * For output of Flux that grows with users and nodes: a jobspec with files in it, a list of all
 * jobs.
 */
export const OUTPUT_MAX_FLUX = 128 << 20;

/**
 * Runs the command and returns its stdout. If it fails, throws an Error with the command, its
 * status and the last line of its stderr.
 */
export async function output(runner: Run, command: Command): Promise<string> {
  const outcome = await runner(command);
  if (outcome.exitCode === 0) return outcome.stdout;
  const status = outcome.exitCode === undefined ? outcome.reason : `exit ${outcome.exitCode}`;
  const message = outcome.stderr.trim().split("\n").at(-1) ?? "";
  throw new Error(`${command.argv.join(" ")}: ${status}${message && `: ${message}`}`);
}
