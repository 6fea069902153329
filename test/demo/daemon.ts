/** Runs the daemon for the demonstration, with its most detailed log, line by line. */
import { execa } from "execa";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { LifeFlux } from "../life/flux.js";
import { PACKAGE } from "../sandbox/paths.js";

export interface DemoDaemon {
  stop(): Promise<void>;
}

export async function spawnDaemon(
  flux: LifeFlux,
  onLine: (line: string) => void,
): Promise<DemoDaemon> {
  const command = join(PACKAGE, "bin/flux-usernetes");
  const child = execa(command, ["daemon", "--pass-env", "TESTBED"], {
    env: { ...flux.place.env, LOG_LEVEL: "trace" },
    extendEnv: false,
    reject: false,
    buffer: false,
    stdin: "ignore",
    stdout: "ignore",
  });
  createInterface({ input: child.stderr }).on("line", onLine);
  await flux.output(command, "ping", "--wait", "20s");
  return {
    async stop() {
      child.kill("SIGTERM");
      await child;
    },
  };
}
