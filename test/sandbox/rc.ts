/**
 * rc1.d and rc3.d: what an administrator adds to the start and end of an instance,
 * in each directory of FLUX_RC_EXTRA, run on every rank.
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

/** All are run; false if one failed on some rank, with which a start ends. */
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
