/** An error in the answer of a Flux service: an errno and a text. */
import { constants } from "node:os";

const TEXTS: Record<string, string> = {
  ENOENT: "No such file or directory",
  EEXIST: "File exists",
  EINVAL: "Invalid argument",
  EISDIR: "Is a directory",
  ENOTDIR: "Not a directory",
  ENOSYS: "Function not implemented",
  EPERM: "Request requires owner credentials",
};

export class FluxError extends Error {
  readonly errno: number;

  constructor(
    readonly code: keyof typeof constants.errno,
    text?: string,
  ) {
    super(text ?? TEXTS[code] ?? code);
    this.errno = constants.errno[code];
  }
}
