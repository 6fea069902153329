/**
 * The working directory of child processes: the current one, or / if this process may no longer
 * enter the current one (/root, after sudo -u), because a child cannot be started there.
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
