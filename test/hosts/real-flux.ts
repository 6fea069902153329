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

/** Why there is no real Flux to test against; undefined if there is. */
export function whyNoRealFlux(): string | undefined {
  if (!findRealFlux()) return "there is no flux on the PATH";
  const { status } = spawnSync("unshare", ["--uts", "--mount", "true"]);
  return status === 0 ? undefined : "hosts of their own need root (unshare --uts --mount)";
}

export interface RealFlux {
  /** The flux command. */
  command: string;
  /** The environment of a process that talks to it. */
  env: Record<string, string>;
  /** All hosts see it; removed at the end. */
  folder: string;
  /** Each host sees its own. */
  disk: string;
  /** The exit status of `flux start`. */
  ended: Promise<number>;
  /** Starts a rank's broker again, where each is a process of its own. */
  restore: (rank: number) => void;
  stop: () => Promise<void>;
}

export interface RealOptions {
  /** TOML of the broker's configuration, given the disk. */
  config: (disk: string) => string;
  /** The shell's initrc: what is installed on this machine takes no part. */
  initrc: string;
  /** Its hosts are this one's too: their disks, and what the stand-ins have on them. */
  beside?: string;
  /** Goes first on the PATH. */
  path?: string[];
  /** What is in it from an instance before this one is found again; kept at the end. */
  folder?: string;
  /** Brokers; 4 if not given. */
  size?: number;
  /** More options of `flux start`. */
  args?: string[];
  /** What gives each broker its host, in place of host-wrap. */
  wrap?: string;
  /** The brokers are started one by one, and can come back: `flux start` has no way to. */
  apart?: boolean;
  /** More variables for it and all that it starts. */
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
    // One broker that dies leaves the others.
    ...["--test-exit-mode=leader", "--test-exit-timeout=0"],
  ];
  const restore = () => {
    throw new Error("a broker of flux start does not come back");
  };
  return { ...(await startFlux([...argv, ...args], setting)), restore };
}

/** Where Flux finds them out by itself, a node that was lost is never given out again. */
const RESOURCES = `[resource]
noverify = true
[[resource.config]]
hosts = "node[0-3]"
cores = "0-1"
`;

/** As on a real system: flux-config-bootstrap(5) names the host of each broker. */
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
