/**
 * Opens the two places in which tests with a real engine run: an embedded Flux and a real Flux. In
 * both, each rank is a host (hosts.ts) with its own podman.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { startRealFlux } from "../hosts/real-flux.js";
import type { Place } from "../life/flux.js";
import { COMMANDS, INITRC } from "../life/places.js";
import { PACKAGE } from "../sandbox/paths.js";
import { startInstance } from "../sandbox/start-instance.js";
import { prepareEngine } from "./engine.js";
import { Hosts } from "./hosts.js";

const BIN = join(PACKAGE, "test/podman/bin");
export const TEMPLATE = join(PACKAGE, "test/podman/template");

const config = (workdir: string, more: string): string =>
  `[usernetes]\ntemplate = "${TEMPLATE}"\nworkdir = "${workdir}"\ncontainer-engine = "podman"\n${more}`;

export interface Options {
  /** Further lines of the [usernetes] table. */
  table: string;
  /** The number of hosts. */
  size: number;
}

export interface PodmanPlace extends Place {
  size: number;
  hosts: Hosts;
  /** The image store. Its path appears in the command lines of processes that podman starts. */
  store: string;
}

/** Makes the engine's configuration and image once for all places of a test file. */
export async function openMachine() {
  const folder = mkdtempSync("/tmp/usernetes-podman-");
  const close = () => {
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const { conf } = await prepareEngine(folder);
    return {
      embedded: (options: Options) =>
        embeddedPlace(mkdtempSync(join(folder, "flux-")), conf, options),
      real: (options: Options) => realPlace(mkdtempSync(join(folder, "flux-")), conf, options),
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

async function embeddedPlace(
  folder: string,
  conf: string,
  { table, size }: Options,
): Promise<PodmanPlace> {
  const hosts = await Hosts.open({ folder, size, conf });
  const sandbox = await startInstance({
    root: join(folder, "root"),
    size,
    config: config("@SANDBOX@/hosts/self", table),
    engines: BIN,
    wrap: (host) => hosts.wrap(host),
  });
  const common = join(folder, "common");
  mkdirSync(common);
  return {
    kind: "embedded",
    size,
    hosts,
    store: join(folder, ".."),
    testbed: sandbox.testbed,
    common,
    base: sandbox.disk(0),
    env: { ...sandbox.env, PATH: `${COMMANDS}:${sandbox.env["PATH"] ?? ""}`, LANG: "C.UTF-8" },
    async close() {
      await sandbox.stop();
      await hosts.close();
    },
  };
}

async function realPlace(
  folder: string,
  conf: string,
  { table, size }: Options,
): Promise<PodmanPlace> {
  const own = (rank: number) => join(folder, "hosts", String(rank));
  const disk = join(folder, "disk");
  for (const directory of [disk, ...Array.from({ length: size }, (_, rank) => own(rank))])
    mkdirSync(directory, { recursive: true });
  const hosts = await Hosts.open({ folder, size, conf, disk: { seen: disk, own } });
  const { env, stop } = await startRealFlux({
    folder,
    size,
    config: (workdir) => config(workdir, table),
    initrc: INITRC,
    path: [BIN, COMMANDS],
    wrap: hosts.wrapBroker,
  });
  return {
    kind: "real",
    size,
    hosts,
    store: join(folder, ".."),
    testbed: env["TESTBED"] ?? "",
    common: folder,
    base: disk,
    env,
    async close() {
      await stop();
      await hosts.close();
    },
  };
}
