/**
 * Hosts for the tests with a real engine: node0, node1, ... on one machine. Each has its own name,
 * network and podman (keep-host.sh). A bridge outside of them joins their networks. The machine
 * itself does not see the hosts, and they are removed completely when their keepers end.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PACKAGE } from "../sandbox/paths.js";
import { runCommand, type Result } from "../hosts/run-command.js";

const HERE = join(PACKAGE, "test/podman");

export interface HostsOptions {
  folder: string;
  size: number;
  /** The content of /etc/containers on the hosts. */
  conf: string;
  /** Mounts a private directory on each host as `seen`. Without it, hosts share all files. */
  disk?: { seen: string; own: (rank: number) => string };
}

export class Hosts {
  private readonly keepers: ChildProcess[] = [];
  private readonly pids: string;
  /** The script that `flux start --wrap` runs, which starts each broker on its host. */
  readonly wrapBroker: string;

  private constructor(private readonly options: HostsOptions) {
    this.pids = join(options.folder, "pids");
    this.wrapBroker = join(options.folder, "wrap-broker");
    mkdirSync(this.pids, { recursive: true });
    const enter = this.wrap("-").map((word) => `'${word}'`);
    writeFileSync(this.wrapBroker, `#!/bin/sh\nexec ${enter.join(" ")} "$@"\n`);
    chmodSync(this.wrapBroker, 0o755);
  }

  /** Rejects if the machine does not allow new namespaces. */
  static async open(options: HostsOptions): Promise<Hosts> {
    const hosts = new Hosts(options);
    try {
      const bridge = await hosts.keep("bridge", undefined);
      const ip = (...args: string[]) => must("ip", args);
      const inside = (pid: number, ...args: string[]) =>
        must("nsenter", ["--target", String(pid), "--net", "ip", ...args]);
      await inside(bridge, "link", "add", "br0", "type", "bridge");
      await inside(bridge, "link", "set", "br0", "up");
      for (let rank = 0; rank < options.size; rank++) {
        const pid = await hosts.keep(`node${rank}`, rank);
        // The machine sees this interface for a moment, so its name has this process's ID.
        const end = `u${process.pid}r${rank}`;
        const peer = ["peer", "name", "eth0", "netns", String(pid)];
        await ip("link", "add", end, "type", "veth", ...peer);
        await ip("link", "set", end, "netns", String(bridge));
        await inside(bridge, "link", "set", end, "master", "br0", "up");
        await inside(pid, "address", "add", `${hosts.address(rank)}/24`, "dev", "eth0");
        await inside(pid, "link", "set", "eth0", "up");
        await inside(pid, "route", "add", "default", "via", "192.168.77.1");
      }
      return hosts;
    } catch (error) {
      await hosts.close();
      throw error;
    }
  }

  /** The address of a host, which is its HOST_IP. */
  address(rank: number): string {
    return `192.168.77.${10 + rank}`;
  }

  /** The argv prefix that runs a command on a host. */
  wrap(host: string): string[] {
    return [join(HERE, "enter.sh"), this.pids, host];
  }

  /** Runs a command on a host, with the machine's own PATH. */
  run(rank: number, argv: string[]): Promise<Result> {
    const [command = "", ...args] = [...this.wrap(`node${rank}`), ...argv];
    const env = { PATH: process.env["PATH"] ?? "", LANG: "C.UTF-8" };
    return runCommand(command, args, { env, cwd: "/" });
  }

  /** The root directory of a host, as this process sees it. */
  root(rank: number): string {
    return join("/proc", readFileSync(join(this.pids, `node${rank}`), "utf8"), "root");
  }

  podman(rank: number, ...args: string[]): Promise<Result> {
    return this.run(rank, ["/usr/bin/podman", ...args]);
  }

  /** The bridges of a host, which belong to its podman's networks. */
  async bridges(rank: number): Promise<string[]> {
    const { stdout } = await this.run(rank, ["ip", "-o", "link", "show", "type", "bridge"]);
    return stdout.match(/(?<=^[0-9]+: )[^:@]+/gm) ?? [];
  }

  async close(): Promise<void> {
    await Promise.all(
      this.keepers.map(async (keeper) => {
        if (keeper.exitCode !== null || keeper.signalCode !== null) return;
        const ended = new Promise((resolve) => keeper.on("close", resolve));
        keeper.stdin?.end();
        await ended;
      }),
    );
  }

  /** Starts a host's keeper and returns its process ID. */
  private async keep(name: string, rank: number | undefined): Promise<number> {
    const { conf, disk } = this.options;
    const bind = disk && rank !== undefined ? [disk.seen, disk.own(rank)] : [];
    const own = ["--net", "--uts", "--mount", "--propagation", "private"];
    const argv = [...own, "sh", join(HERE, "keep-host.sh"), name, conf, ...bind];
    const keeper = spawn("unshare", argv, { stdio: ["pipe", "pipe", "pipe"] });
    this.keepers.push(keeper);
    let printed = "";
    keeper.stderr.on("data", (chunk: Buffer) => (printed += chunk.toString()));
    await new Promise<void>((resolve, reject) => {
      keeper.stdout.once("data", () => {
        resolve();
      });
      keeper.on("error", reject);
      keeper.on("close", () => {
        reject(new Error(printed.trim() || "the keeper of a host has ended"));
      });
    });
    writeFileSync(join(this.pids, name), String(keeper.pid));
    return keeper.pid ?? 0;
  }
}

async function must(command: string, args: string[]): Promise<void> {
  const env = { PATH: process.env["PATH"] ?? "" };
  const { exitCode, stderr } = await runCommand(command, args, { env, cwd: "/" });
  if (exitCode !== 0) throw new Error(`${command} ${args.join(" ")}: ${stderr.trim()}`);
}
