/**
 * A real instance of some brokers, each with a host name and a private directory
 * of its own (host-wrap).
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

/** The first flux on the PATH that is not the embedded one. */
export function findRealFlux(): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  return folders.map((folder) => join(folder, "flux")).find(isExecutable);
}

/** The reason why no real Flux can be tested; undefined if one can. */
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
  /** Starts a rank's broker again, if each broker is a process of its own. */
  restore: (rank: number) => void;
  stop: () => Promise<void>;
}

export interface RealOptions {
  /** The broker's configuration as TOML, given the path of the disk. */
  config: (disk: string) => string;
  /** The shell's initrc: files that are installed on this machine are not used. */
  initrc: string;
  /** The instance whose hosts this one shares, with their disks and the stand-ins' state. */
  beside?: string;
  /** The first directories of the PATH. */
  path?: string[];
  /** A folder that is kept at the end. Files of an earlier instance in it are used again. */
  folder?: string;
  /** The number of brokers; 4 if not set. */
  size?: number;
  /** Further options of `flux start`. */
  args?: string[];
  /** The command that gives each broker its host, in place of host-wrap. */
  wrap?: string;
  /** Starts the brokers one by one, so that they can come back. `flux start` cannot do that. */
  apart?: boolean;
  /** Further variables for the instance and all that it starts. */
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
  // NODE_OPTIONS of a test runner would cost each process 100 ms.
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

/** If Flux detects its resources itself, it never allocates a node again that was lost. */
const RESOURCES = `[resource]
noverify = true
[[resource.config]]
hosts = "node[0-3]"
cores = "0-1"
`;

/** As on a real system, flux-config-bootstrap(5) names the host of each broker. */
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
