/**
 * Starts a real Flux instance with several brokers on this machine. The script host-wrap gives each
 * broker its own host name and private directory.
 */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import {
  accessSync,
  constants,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { BIN, PACKAGE } from "../sandbox/paths.js";
import type { Setting } from "./run-command.js";
import { startFlux } from "./start-flux.js";

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return realpathSync(path) !== realpathSync(join(BIN, "flux"));
  } catch {
    return false;
  }
}

/** Returns the first flux on the PATH that is not the embedded one. */
export function findRealFlux(): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  return folders.map((folder) => join(folder, "flux")).find(isExecutable);
}

/** Returns the reason why no real Flux can be tested, or undefined if one can be tested. */
export function whyNoRealFlux(): string | undefined {
  if (!findRealFlux()) return "there is no flux on the PATH";
  const { status } = spawnSync("unshare", ["--uts", "--mount", "true"]);
  return status === 0 ? undefined : "hosts of their own need root (unshare --uts --mount)";
}

export interface RealFlux {
  /** The flux command. */
  command: string;
  /** The environment of a process that uses the instance. */
  env: Record<string, string>;
  /** A directory that all hosts share. It is removed at the end. */
  folder: string;
  /** A directory that is different on each host. */
  disk: string;
  /** The exit status of `flux start`. */
  ended: Promise<number>;
  /** Restarts a rank's broker. This works only with the option `apart`. */
  restore: (rank: number) => void;
  stop: () => Promise<void>;
}

export interface RealOptions {
  /** The broker's configuration as TOML, given the path of the disk. */
  config: (disk: string) => string;
  /** The job shell's initrc, which replaces the installed one. */
  initrc: string;
  /**
   * The folder of an instance whose hosts this instance shares, with their disks and the state of
   * the stand-ins.
   */
  beside?: string;
  /** The first directories of the PATH. */
  path?: string[];
  /** A folder that is kept at the end. The instance uses the files of an earlier one in it. */
  folder?: string;
  /** The number of brokers; 4 if not set. */
  size?: number;
  /** Further options of `flux start`. */
  args?: string[];
  /** The command that gives each broker its host, instead of host-wrap. */
  wrap?: string;
  /** Starts each broker separately, so that it can be restarted, unlike one of `flux start`. */
  apart?: boolean;
  /** Further variables for the instance and all processes that it starts. */
  env?: Record<string, string>;
}

export async function startRealFlux(options: RealOptions): Promise<RealFlux> {
  const command = findRealFlux() ?? "flux";
  const folder = options.folder ?? mkdtempSync("/tmp/usernetes-real-");
  const at = (name: string): string => join(folder, name);
  const onHosts = (name: string): string => join(options.beside ?? folder, name);
  mkdirSync(at("conf"), { recursive: true });
  for (const name of ["disk", "hosts", "testbed"]) mkdirSync(onHosts(name), { recursive: true });
  writeFileSync(at("conf/usernetes.toml"), options.config(onHosts("disk")));
  writeFileSync(at("initrc.lua"), options.initrc);
  const base: Record<string, string> = {
    ...(process.env as Record<string, string>),
    PATH: [...(options.path ?? []), dirname(command), process.env["PATH"] ?? ""].join(delimiter),
    LANG: "C.UTF-8",
    TESTBED: onHosts("testbed"),
    ...options.env,
  };
  // The test runner's NODE_OPTIONS would delay each process by 100 ms.
  delete base["NODE_OPTIONS"];
  const args = [
    `--config-path=${at("conf")}`,
    `--setattr=conf.shell_initrc=${at("initrc.lua")}`,
    ...(options.args ?? []),
  ];
  const env = { ...base, TESTBED_PRIVATE: onHosts("disk"), TESTBED_ROOT: onHosts("hosts") };
  const setting = { env, cwd: folder };
  const { wrap = HOST_WRAP, size = 4 } = options;
  const together = [command, "start", `--wrap=${wrap}`, `--test-size=${size}`];
  const { uri, ended, stop, restore } = await (options.apart
    ? startApart(command, args, setting)
    : startTogether(together, args, setting));
  return {
    command,
    env: { ...base, FLUX_URI: uri },
    folder,
    disk: onHosts("disk"),
    ended,
    restore,
    async stop() {
      await stop();
      if (options.folder === undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}

const HOST_WRAP = join(PACKAGE, "test/hosts/host-wrap");

async function startTogether(command: string[], args: string[], setting: Setting) {
  const argv = [
    ...command,
    // If one broker dies, the others continue.
    ...["--test-exit-mode=leader", "--test-exit-timeout=0"],
  ];
  const restore = () => {
    throw new Error("a broker of flux start does not come back");
  };
  return { ...(await startFlux([...argv, ...args], setting)), restore };
}

/** Configures the resources. If Flux detects them, it never allocates a node again after a loss. */
const RESOURCES = `[resource]
noverify = true
[[resource.config]]
hosts = "node[0-3]"
cores = "0-1"
`;

/**
 * Starts each broker separately. As on a real system, the configuration names the host of each
 * broker (flux-config-bootstrap(5)).
 */
async function startApart(command: string, args: string[], { env, cwd }: Setting) {
  const cert = join(cwd, "cert");
  spawnSync(command, ["keygen", cert], { env });
  const hosts = [0, 1, 2, 3].map((rank) => {
    const uri = `ipc://${cwd}/node${rank}.ipc`;
    return `{ host = "node${rank}", bind = "${uri}", connect = "${uri}" }`;
  });
  const bootstrap = `[bootstrap]\ncurve_cert = "${cert}"\nhosts = [ ${hosts.join(", ")} ]\n`;
  writeFileSync(
    join(cwd, "conf/bootstrap.toml"),
    `${bootstrap}[tbon]\ntopo = "kary:0"\n${RESOURCES}`,
  );
  const argv = [HOST_WRAP, "env", "-u", "PMI_RANK", command, "broker", ...args];
  const children: ChildProcess[] = [];
  const broker = (rank: number) => {
    const setting = { cwd, env: { ...env, PMI_RANK: String(rank) }, stdio: "ignore" as const };
    children.push(spawn(argv[0] ?? "", argv.slice(1), setting));
  };
  for (const rank of [1, 2, 3]) broker(rank);
  const first = await startFlux(argv, { env: { ...env, PMI_RANK: "0" }, cwd });
  return {
    ...first,
    restore: broker,
    stop: async () => {
      await first.stop();
      for (const child of children) child.kill("SIGKILL");
    },
  };
}
