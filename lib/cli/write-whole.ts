/** Writes an output file completely or not at all. */
import { realpathSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { CommandError, EXIT, messageOf } from "../errors.js";

/** Overwrites an existing file, as a shell does with `>`. Throws a CommandError. */
export function writeWhole(file: string, text: string): void {
  try {
    const target = followed(file);
    // A target that is not a regular file (a pipe, /dev/stdout) must not be replaced.
    if (target && !statSync(target).isFile()) writeFileSync(target, text);
    else replace(target ?? file, text);
  } catch (error) {
    const why = messageOf(error).replace(/, \w+( '.*)?$/, "");
    throw new CommandError(EXIT.failed, `${file}: cannot be written: ${why}`, { cause: error });
  }
}

function replace(file: string, text: string): void {
  const part = join(dirname(file), `.${basename(file)}.${process.pid}`);
  try {
    writeFileSync(part, text, { flag: "wx" });
    renameSync(part, file);
  } catch (error) {
    rmSync(part, { force: true });
    throw error;
  }
}

/** Resolves links; undefined if the file does not exist. */
function followed(file: string): string | undefined {
  try {
    return realpathSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
