/** A command's own refusal: its message goes to stderr, its status is the exit code. */
export class Refusal extends Error {
  constructor(
    message: string,
    readonly status = 1,
  ) {
    super(message);
  }
}
