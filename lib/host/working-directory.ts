/**
 * Where a child process runs: here, or in / where this process may not enter its own
 * directory any more (/root, after sudo -u). A child cannot be started there.
 */
import { accessSync, constants } from "node:fs";

export function workingDirectory(): { cwd?: string } {
  try {
    accessSync(process.cwd(), constants.X_OK);
    return {};
  } catch {
    return { cwd: "/" };
  }
}
