/** An expected error of a command, with the message for stderr and the exit status. */
export class Refusal extends Error {
  constructor(
    message: string,
    readonly status = 1,
  ) {
    super(message);
  }
}
