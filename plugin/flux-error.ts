/** An error that Flux has returned. */
export class FluxError extends Error {
  constructor(
    readonly errno: number,
    message: string,
  ) {
    super(message);
  }
}

export const ENOENT = 2;
export const EBUSY = 16;
export const EINVAL = 22;
export const ENOSYS = 38;
