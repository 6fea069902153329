/**
 * An embedded or real instance that `flux start` starts with this package's rc scripts, which start
 * and stop the daemon. Its folder may outlive it, for checks of leftovers and for the next
 * instance.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { startRealFlux, whyNoRealFlux } from "../hosts/real-flux.js";
import { startFlux } from "../hosts/start-flux.js";
import { BIN, ENGINES, PACKAGE } from "../sandbox/paths.js";
import { LifeFlux, type Place } from "./flux.js";
import type { Tap } from "./life.js";
import { COMMANDS, INITRC, table, type Table } from "./places.js";
import { quickTable } from "./quick-table.js";

export interface StartedOptions {
  /** Further lines of the [usernetes] table. Undefined: there is no such table. */
  table?: Table | undefined;
  folder: string;
  /** The directories with flux-usernetes, to be put on the PATH. */
  commands?: string[];
  /** Further options of a real `flux start`. */
  args?: string[];
  env?: Record<string, string>;
}

export class StartedLife extends LifeFlux {
  constructor(
    place: Place,
    readonly folder: string,
    /** The exit status of `flux start`. */
    readonly ended: Promise<number>,
  ) {
    super(place);
    this.hurry();
  }

  /** Kills all brokers with kill -9. */
  async crash(): Promise<void> {
    const pids = await this.output("flux", "exec", "flux", "getattr", "broker.pid");
    for (const pid of new Set(pids.split("\n"))) process.kill(Number(pid), "SIGKILL");
    await this.ended;
  }

  /** Kills the processes on the hosts that have outlived their brokers. */
  killOrphans(): void {
    for (const line of processes(this.folder))
      try {
        process.kill(Number.parseInt(line), "SIGKILL");
      } catch {
        // The process has ended in the meantime.
      }
  }

  /** The stderr of `flux start`, which includes that of the rc scripts. */
  printed(): string {
    return readFileSync(join(this.folder, "flux-start.err"), "utf8");
  }
}

export type Start = (options?: Partial<StartedOptions>) => Promise<StartedLife>;

/** Runs the body for each kind of Flux, with a folder that is removed at the end. */
export function started(body: (t: Tap, start: Start, folder: string) => Promise<void>): void {
  const play = (kind: "embedded" | "real") => async (test: unknown) => {
    const tap = test as Tap;
    const folder = mkdtempSync(`/tmp/usernetes-${kind}-`);
    let last: StartedLife | undefined;
    tap.teardown(async () => {
      await last?.close();
      last?.killOrphans();
      rmSync(folder, { recursive: true, force: true });
    });
    const start: Start = async (options = {}) =>
      (last = await STARTS[kind]({ folder, ...options }));
    await body(tap, start, folder);
  };
  t.test("these tests run on the embedded Flux", play("embedded"));
  t.test("these tests run on a real Flux", { skip: whyNoRealFlux() ?? false }, play("real"));
}

const STARTS = { embedded: startEmbedded, real: startReal };

/** Options for the daemon that rc1.d starts: the stand-ins need the variable TESTBED. */
const RC = {
  FLUX_RC_EXTRA: join(PACKAGE, "etc/flux"),
  FLUX_USERNETES_OPTIONS: "--pass-env TESTBED",
};

async function startReal(options: StartedOptions): Promise<StartedLife> {
  const { folder, args, env } = options;
  const real = await startRealFlux({
    config: (disk) => configuration(disk, options),
    initrc: INITRC,
    path: [ENGINES, ...commandsOf(options)],
    folder,
    ...(args ? { args } : {}),
    env: { ...RC, ...env },
  });
  const place: Place = {
    kind: "real",
    testbed: join(folder, "testbed"),
    common: folder,
    base: real.disk,
    env: real.env,
    close: real.stop,
  };
  return new StartedLife(place, folder, real.ended);
}

async function startEmbedded(options: StartedOptions): Promise<StartedLife> {
  const { folder } = options;
  const conf = join(folder, "conf");
  mkdirSync(conf, { recursive: true });
  writeFileSync(join(conf, "usernetes.toml"), configuration("@SANDBOX@/hosts/self", options));
  const base: Record<string, string> = {
    ...(process.env as Record<string, string>),
    PATH: [BIN, ENGINES, ...commandsOf(options), process.env["PATH"] ?? ""].join(":"),
    LANG: "C.UTF-8",
    SANDBOX_ROOT: folder,
    ...RC,
    ...options.env,
  };
  delete base["NODE_OPTIONS"];
  const args = ["--test-size=4", `--config-path=${conf}`];
  const setting = { env: base, cwd: folder };
  const argv = [join(BIN, "flux"), "start", ...args];
  const { uri, ended, stop } = await startFlux(argv, setting);
  const place: Place = {
    kind: "embedded",
    testbed: join(folder, "testbed"),
    common: folder,
    base: join(folder, "hosts/node0"),
    env: {
      ...base,
      FLUX_URI: uri,
      SANDBOX_HOST: "node0",
      SANDBOX_NODE: process.execPath,
      TESTBED: join(folder, "testbed"),
    },
    close: stop,
  };
  return new StartedLife(place, folder, ended);
}

const commandsOf = ({ commands = [COMMANDS] }: StartedOptions): string[] => commands;

function configuration(disk: string, options: StartedOptions): string {
  return "table" in options && options.table === undefined
    ? ""
    : table(disk, quickTable(options.table ?? ""));
}

/** The leftovers on all hosts of an instance that has ended, with its processes. */
export function remains(folder: string): string[] {
  const engines = join(folder, "testbed/engine");
  const hosts = join(folder, "hosts");
  const inEach = (of: string) =>
    list(of).flatMap((host) => list(join(of, host)).map((name) => `${host}: ${name}`));
  return [...inEach(engines), ...inEach(hosts), ...processes(folder)];
}

/** The command lines of processes that have the folder in their environment. */
export function processes(folder: string): string[] {
  return list("/proc")
    .filter((pid) => /^[0-9]+$/.test(pid) && pid !== String(process.pid))
    .filter((pid) => read(`/proc/${pid}/environ`).includes(folder))
    .map((pid) => `${pid} ${read(`/proc/${pid}/cmdline`).replaceAll("\0", " ")}`);
}

function list(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
