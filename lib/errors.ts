/**
 * What the commands end with. One line on stderr says what, where and what to
 * do; the status says which kind it was.
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

/** Another try would meet the same. */
export class PermanentError extends Error {}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
