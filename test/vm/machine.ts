/**
 * A virtual machine: booted from the image without changing it, reached as root by ssh,
 * ended by its own poweroff or by `close`. node0 and node1 share a network of their own
 * (192.168.77.0/24 on eth1); eth0 is for ssh alone and has the same address on both.
 */
import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { runCommand, type Result } from "../hosts/run-command.js";
import { until } from "../hosts/until.js";
import { accelerator } from "./accelerator.js";
import type { Image } from "./image.js";

/** By software, on a machine that others use too. */
const BOOT_MS = 900_000;
const OFF_MS = 300_000;

export interface MachineOptions {
  image: Image;
  /** For its disk, its console's log and its sockets: a short path. */
  folder: string;
  index: number;
  memoryMb: number;
  /** It outlives this process, and the next one uses it as it is. */
  keep: boolean;
  log: (line: string) => void;
}

/** What a later process needs to use a machine that runs. */
interface Running {
  pid: number;
  port: number;
}

export class Machine {
  readonly name: string;
  private running: Running | undefined;

  constructor(private readonly options: MachineOptions) {
    this.name = `node${String(options.index)}`;
  }

  /** Makes the disk, which keeps what the machine writes until `folder` is removed. */
  async prepare(): Promise<void> {
    const { image, folder } = this.options;
    mkdirSync(folder, { recursive: true });
    const backing = ["-b", image.disk, "-F", "raw"];
    await must("qemu-img", ["create", "-q", "-f", "qcow2", ...backing, this.disk]);
  }

  /** Uses the machine that an earlier process kept in this folder, if it answers. */
  async attach(): Promise<boolean> {
    try {
      this.running = JSON.parse(readFileSync(this.file, "utf8")) as Running;
    } catch {
      return false;
    }
    return this.alive && (await this.run("true")).exitCode === 0;
  }

  /** Rejects, with the console's log named, where it does not answer in time. */
  async boot(): Promise<void> {
    const { image, index, memoryMb, keep } = this.options;
    const port = await freePort();
    const wire = this.wire(index);
    rmSync(wire, { force: true });
    const argv = [
      ...accelerator(),
      ...["-m", String(memoryMb), "-display", "none", "-nodefaults", "-no-reboot"],
      ...["-kernel", image.kernel, "-initrd", image.initrd],
      "-append",
      `root=/dev/vda rw console=ttyS0 quiet net.ifnames=0 systemd.hostname=${this.name} mitigations=off`,
      ...["-drive", `file=${this.disk},if=virtio,format=qcow2,cache=unsafe`],
      ...["-netdev", `user,id=outside,hostfwd=tcp:127.0.0.1:${String(port)}-:22`],
      ...["-device", "virtio-net-pci,netdev=outside,mac=52:54:00:77:00:01"],
      "-netdev",
      `dgram,id=inside,local.type=unix,local.path=${wire},remote.type=unix,remote.path=${this.wire(1 - index)}`,
      ...["-device", `virtio-net-pci,netdev=inside,mac=52:54:00:77:00:1${String(index)}`],
      ...["-device", "virtio-rng-pci", "-serial", "stdio"],
    ];
    const console = openSync(this.console, "a");
    const qemu = spawn("nice", ["-n", "5", "qemu-system-x86_64", ...argv], {
      stdio: ["ignore", console, console],
      detached: keep,
    });
    closeSync(console);
    if (keep) qemu.unref();
    this.running = { pid: qemu.pid ?? 0, port };
    writeFileSync(this.file, JSON.stringify(this.running));
    await this.answers();
  }

  private async answers(): Promise<void> {
    const start = Date.now();
    for (;;) {
      const { exitCode, stdout } = await this.run("systemctl is-system-running --wait; true");
      if (exitCode === 0) {
        const seconds = Math.round((Date.now() - start) / 1000);
        this.options.log(`${this.name} is ${stdout.trim()} ${String(seconds)} s after its start`);
        return;
      }
      if (!this.alive || Date.now() > start + BOOT_MS)
        throw new Error(`${this.name} does not come up: see ${this.console}`);
      await new Promise((resolve) => setTimeout(resolve, 2000));
    }
  }

  /** Runs a shell script as root. */
  run(script: string, input?: string): Promise<Result> {
    const { image, folder } = this.options;
    const options = [
      ...[
        "-i",
        image.key,
        "-p",
        String(this.running?.port ?? 0),
        "-o",
        `ControlPath=${folder}/ssh`,
      ],
      ...["-o", "ControlMaster=auto", "-o", "ControlPersist=600", "-o", "ConnectTimeout=180"],
      ...["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"],
      ...["-o", "LogLevel=ERROR", "-o", "BatchMode=yes"],
    ];
    const env = { PATH: process.env["PATH"] ?? "", HOME: folder };
    return runCommand("ssh", [...options, "root@127.0.0.1", script], { env, cwd: "/", input });
  }

  /** Waits until the machine has switched itself off. Resolves to the seconds that it took. */
  async powerOff(): Promise<number> {
    const start = Date.now();
    await this.run("systemctl poweroff --no-block");
    await this.gone().catch(() => this.close());
    return (Date.now() - start) / 1000;
  }

  /** Ends the machine like a power cut. */
  async close(): Promise<void> {
    if (this.running && this.alive) process.kill(this.running.pid, "SIGKILL");
    await this.gone();
  }

  private async gone(): Promise<void> {
    await until(`${this.name} is off`, () => !this.alive, { pauseMs: 200, limitMs: OFF_MS });
  }

  private get alive(): boolean {
    if (!this.running) return false;
    try {
      // A child that has ended and is not reaped yet has no command line.
      return readFileSync(`/proc/${this.running.pid}/cmdline`, "utf8").includes(this.disk);
    } catch {
      return false;
    }
  }

  get console(): string {
    return join(this.options.folder, "console.log");
  }

  private get disk(): string {
    return join(this.options.folder, "disk.qcow2");
  }

  private get file(): string {
    return join(this.options.folder, "running.json");
  }

  /** The sockets of the network between the machines. */
  private wire(index: number): string {
    return join(this.options.folder, "..", `wire${index}`);
  }
}

async function must(command: string, args: string[]): Promise<void> {
  const env = { PATH: process.env["PATH"] ?? "" };
  const { exitCode, stderr } = await runCommand(command, args, { env, cwd: "/" });
  if (exitCode !== 0) throw new Error(`${command} ${args.join(" ")}: ${stderr.trim()}`);
}

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer().on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => {
        resolve(typeof address === "object" && address ? address.port : 0);
      });
    });
  });
