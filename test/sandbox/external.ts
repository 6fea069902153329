/** `flux NAME` where FLUX_EXEC_PATH or PATH has a program flux-NAME: that is run instead. */
import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { constants as os } from "node:os";
import { join } from "node:path";

export function findProgram(name: string): string | undefined {
  const { FLUX_EXEC_PATH = "", PATH = "" } = process.env;
  const folders = `${FLUX_EXEC_PATH}:${PATH}`.split(":").filter(Boolean);
  return folders
    .map((folder) => join(folder, `flux-${name}`))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

export function runProgram(path: string, args: string[]): Promise<number> {
  const child = spawn(path, args, { stdio: "inherit" });
  for (const signal of ["SIGTERM", "SIGHUP", "SIGINT"] as const)
    process.on(signal, () => child.kill(signal));
  return new Promise((resolve) => {
    child.on("error", () => {
      resolve(127);
    });
    child.on("exit", (status, signal) => {
      resolve(signal ? 128 + os.signals[signal] : (status ?? 1));
    });
  });
}
