/** Opens the two places in which life tests run: an embedded Flux and a real Flux. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { startRealFlux } from "../hosts/real-flux.js";
import { ENGINES, PACKAGE, TEMPLATE } from "../sandbox/paths.js";
import { runFlux } from "../sandbox/run-flux.js";
import type { Launcher } from "../sandbox/process.js";
import { startInstance } from "../sandbox/start-instance.js";
import type { Place } from "./flux.js";

/** Lines of TOML for the [usernetes] table, in addition to template and workdir. */
export type Table = string;

export const table = (workdir: string, more: Table): string =>
  `[usernetes]\ntemplate = "${TEMPLATE}"\nworkdir = "${workdir}"\n${more}`;

export const COMMANDS = join(PACKAGE, "bin");

interface EmbeddedOptions {
  /** 1 is as slow as an idle Flux, 0 as fast as possible. */
  pace?: number;
  /** The folder of another instance. */
  root?: string;
  /** The number of ranks. */
  size?: number;
  /** Replaces the programs that `flux exec` starts on a rank. */
  launcher?: Launcher | undefined;
}

export async function embeddedPlace(
  more: Table,
  { pace = 1, root, size = 4, launcher }: EmbeddedOptions = {},
): Promise<Place> {
  const sandbox = await startInstance({
    config: table("@SANDBOX@/hosts/self", more),
    pace,
    size,
    ...(root === undefined ? {} : { root }),
  });
  if (launcher) sandbox.instance.launcher = launcher;
  const common = mkdtempSync("/tmp/usernetes-life-");
  for (let rank = 0; rank < size; rank++) mkdirSync(sandbox.disk(rank), { recursive: true });
  return {
    kind: "embedded",
    testbed: sandbox.testbed,
    common,
    base: sandbox.disk(0),
    env: { ...sandbox.env, PATH: `${COMMANDS}:${sandbox.env["PATH"] ?? ""}`, LANG: "C.UTF-8" },
    flux: runFlux,
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

/** Loads the shell plugin of this tree instead of an installed one. */
export const INITRC = `plugin.load { file = "*.so", conf = {} }
source ("${join(PACKAGE, "etc/flux/shell/lua.d/usernetes.lua")}")
`;

interface RealOptions {
  /** The folder of another instance, on the same hosts. */
  beside?: string;
  /** Whether its brokers can come back. */
  apart?: boolean;
  /** The number of brokers. */
  size?: number;
}

export async function realPlace(
  more: Table,
  { beside, apart = false, size = 4 }: RealOptions = {},
): Promise<Place> {
  const { env, folder, disk, restore, stop } = await startRealFlux({
    config: (disk) => table(disk, more),
    initrc: INITRC,
    path: [ENGINES, COMMANDS],
    apart,
    size,
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
