/**
 * A real instance of four brokers, each with a host name and a private directory
 * of its own (host-wrap), kept up by a program that waits for its stdin to close.
 */
import { spawn, spawnSync } from "node:child_process";
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
}

export async function startRealFlux(options: RealOptions): Promise<RealFlux> {
  const command = findRealFlux() ?? "flux";
  const folder = mkdtempSync("/tmp/usernetes-real-");
  const at = (name: string): string => join(folder, name);
  const onHosts = (name: string): string => join(options.beside ?? folder, name);
  mkdirSync(at("conf"));
  for (const name of ["disk", "hosts", "testbed"]) mkdirSync(onHosts(name), { recursive: true });
  writeFileSync(at("conf/usernetes.toml"), options.config(onHosts("disk")));
  writeFileSync(at("initrc.lua"), options.initrc);
  const base: Record<string, string> = {
    ...(process.env as Record<string, string>),
    PATH: [...(options.path ?? []), dirname(command), process.env["PATH"] ?? ""].join(delimiter),
    LANG: "C.UTF-8",
    TESTBED: onHosts("testbed"),
  };
  // What a test runner has its own processes load would cost each of ours 100 ms.
  delete base["NODE_OPTIONS"];
  const argv = [
    "start",
    "--test-size=4",
    // One broker that dies leaves the others.
    "--test-exit-mode=leader",
    "--test-exit-timeout=0",
    `--wrap=${join(PACKAGE, "test/hosts/host-wrap")}`,
    `--config-path=${at("conf")}`,
    `--setattr=conf.shell_initrc=${at("initrc.lua")}`,
  ];
  const child = spawn(command, [...argv, "sh", "-c", 'echo "$FLUX_URI"; read -r _'], {
    cwd: folder,
    env: { ...base, TESTBED_PRIVATE: onHosts("disk"), TESTBED_ROOT: onHosts("hosts") },
    stdio: ["pipe", "pipe", "ignore"],
  });
  const ended = new Promise((resolve) => child.on("exit", resolve));
  const uri = await new Promise<string>((resolve, reject) => {
    child.on("exit", () => {
      reject(new Error("flux start ended before it printed its URI"));
    });
    child.stdout.once("data", (chunk: Buffer) => {
      resolve(chunk.toString().trim());
    });
  });
  return {
    command,
    env: { ...base, FLUX_URI: uri },
    folder,
    disk: onHosts("disk"),
    async stop() {
      child.stdin.end();
      const impatience = setTimeout(() => child.kill("SIGKILL"), 20_000);
      await ended;
      clearTimeout(impatience);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
