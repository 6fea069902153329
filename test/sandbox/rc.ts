/**
 * Runs an administrator's scripts in rc1.d (at the start of an instance) and rc3.d (at its end).
 * These are folders in each directory of FLUX_RC_EXTRA. The scripts run on every rank.
 */
import { accessSync, constants, existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Ranks } from "./parts.js";
import { launch, statusOf } from "./process.js";

type Phase = "rc1.d" | "rc3.d";

function scripts(phase: Phase, extra = ""): string[] {
  const folders = extra.split(":").filter((folder) => folder !== "");
  return folders
    .map((folder) => join(folder, phase))
    .filter((folder) => existsSync(folder))
    .flatMap((folder) =>
      readdirSync(folder)
        .sort()
        .map((name) => join(folder, name)),
    )
    .filter(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Runs all scripts, even after a failure. Returns false if a script failed on a rank. */
export async function runScripts(
  instance: Ranks,
  env: Record<string, string>,
  phase: Phase,
): Promise<boolean> {
  let success = true;
  for (const script of scripts(phase, env["FLUX_RC_EXTRA"])) {
    const onRank = async (rank: number): Promise<number> => {
      const show = (chunk: Buffer) => process.stderr.write(chunk);
      const running = launch({
        host: instance.host(rank),
        argv: [script],
        cwd: "/",
        env,
        uri: instance.uri(rank),
        stdin: false,
        onStdout: show,
        onStderr: show,
      });
      return statusOf(await running.ended);
    };
    const statuses = await Promise.all(instance.hostnames.map((_, rank) => onRank(rank)));
    const failed = statuses.findIndex((status) => status !== 0);
    if (failed < 0) continue;
    process.stderr.write(
      `${phase}: ${script}: rank ${failed}: Exited (rc=${statuses[failed] ?? 0})\n`,
    );
    success = false;
  }
  return success;
}
