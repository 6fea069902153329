/**
 * The exit codes of the commands. One line on stderr names the fault, its place and what to do. The
 * exit code gives the kind of the fault.
 */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  configuration: 3,
  noInstance: 4,
  noDaemon: 5,
  otherDaemon: 6,
} as const;

export class CommandError extends Error {
  constructor(
    readonly status: (typeof EXIT)[keyof typeof EXIT],
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** An error that a retry would meet again. */
export class PermanentError extends Error {}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
