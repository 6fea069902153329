/** The two places where lives are played: the embedded Flux, and a real one. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { startRealFlux } from "../hosts/real-flux.js";
import { ENGINES, PACKAGE, TEMPLATE } from "../sandbox/paths.js";
import { startInstance } from "../sandbox/start-instance.js";
import type { Place } from "./flux.js";

/** Lines of TOML for the [usernetes] table, beside template and workdir. */
export type Table = string;

export const table = (workdir: string, more: Table): string =>
  `[usernetes]\ntemplate = "${TEMPLATE}"\nworkdir = "${workdir}"\n${more}`;

export const COMMANDS = join(PACKAGE, "bin");

/** `pace`: 1 is as slow as an idle Flux, 0 as fast as can be. `root`: that of another instance. */
export async function embeddedPlace(
  more: Table,
  { pace = 1, root }: { pace?: number; root?: string } = {},
): Promise<Place> {
  const sandbox = await startInstance({
    config: table("@SANDBOX@/hosts/self", more),
    pace,
    ...(root === undefined ? {} : { root }),
  });
  const common = mkdtempSync("/tmp/usernetes-life-");
  for (const rank of [0, 1, 2, 3]) mkdirSync(sandbox.disk(rank), { recursive: true });
  return {
    kind: "embedded",
    testbed: sandbox.testbed,
    common,
    base: sandbox.disk(0),
    env: { ...sandbox.env, PATH: `${COMMANDS}:${sandbox.env["PATH"] ?? ""}`, LANG: "C.UTF-8" },
    delayBridge: (ms) => {
      sandbox.instance.journalDelayMs = ms;
    },
    giveId: (jobid) => {
      sandbox.instance.jobs.nextId = jobid;
    },
    restore: (rank) => {
      sandbox.instance.restoreRank(rank);
    },
    beside: (table) => embeddedPlace(table, { root: sandbox.root }),
    async close() {
      await sandbox.stop();
      rmSync(common, { recursive: true, force: true });
    },
  };
}

/** The shell plugin from this tree instead of an installed one. */
export const INITRC = `plugin.load { file = "*.so", conf = {} }
source ("${join(PACKAGE, "etc/flux/shell/lua.d/usernetes.lua")}")
`;

/** `beside`: the folder of another instance, on the same hosts. `apart`: its brokers can come back. */
export async function realPlace(
  more: Table,
  { beside, apart = false }: { beside?: string; apart?: boolean } = {},
): Promise<Place> {
  const { env, folder, disk, restore, stop } = await startRealFlux({
    config: (disk) => table(disk, more),
    initrc: INITRC,
    path: [ENGINES, COMMANDS],
    apart,
    ...(beside === undefined ? {} : { beside }),
  });
  return {
    kind: "real",
    testbed: env["TESTBED"] ?? "",
    common: folder,
    base: disk,
    env,
    restore,
    beside: (table) => realPlace(table, { beside: beside ?? folder }),
    close: stop,
  };
}
