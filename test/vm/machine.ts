/**
 * A virtual machine: booted from the image without changing it, reached as root by ssh,
 * ended by its own poweroff or by `close`. node0 and node1 share a network of their own
 * (192.168.77.0/24 on eth1); eth0 is for ssh alone and has the same address on both.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { createWriteStream, mkdirSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { runCommand, type Result } from "../hosts/run-command.js";
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
  log: (line: string) => void;
}

export class Machine {
  readonly name: string;
  private qemu: ChildProcess | undefined;
  private ended: Promise<unknown> = Promise.resolve();
  private port = 0;

  constructor(private readonly options: MachineOptions) {
    this.name = `node${String(options.index)}`;
  }

  /** Makes the disk, which keeps what the machine writes until `folder` is removed. */
  async prepare(): Promise<void> {
    const { image, folder } = this.options;
    mkdirSync(folder, { recursive: true });
    await must("qemu-img", [
      "create",
      "-q",
      "-f",
      "qcow2",
      "-b",
      image.disk,
      "-F",
      "raw",
      this.disk,
    ]);
  }

  /** Rejects, with the console's log named, where it does not answer in time. */
  async boot(): Promise<void> {
    const { image, folder, index, memoryMb } = this.options;
    this.port = await freePort();
    const wire = join(folder, "..", "wire");
    const end = index === 0 ? "on" : "off";
    const argv = [
      ...accelerator(),
      ...["-m", String(memoryMb), "-display", "none", "-nodefaults", "-no-reboot"],
      ...["-kernel", image.kernel, "-initrd", image.initrd],
      "-append",
      `root=/dev/vda rw console=ttyS0 quiet net.ifnames=0 systemd.hostname=${this.name} mitigations=off`,
      ...["-drive", `file=${this.disk},if=virtio,format=qcow2,cache=unsafe`],
      ...["-netdev", `user,id=outside,hostfwd=tcp:127.0.0.1:${String(this.port)}-:22`],
      ...["-device", "virtio-net-pci,netdev=outside,mac=52:54:00:77:00:01"],
      "-netdev",
      `stream,id=inside,server=${end},addr.type=unix,addr.path=${wire}`,
      ...["-device", `virtio-net-pci,netdev=inside,mac=52:54:00:77:00:1${String(index)}`],
      ...["-device", "virtio-rng-pci", "-serial", "stdio"],
    ];
    const qemu = spawn("nice", ["-n", "10", "qemu-system-x86_64", ...argv], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.qemu = qemu;
    const console = createWriteStream(this.console, { flags: "a" });
    qemu.stdout.pipe(console, { end: false });
    qemu.stderr.pipe(console, { end: false });
    this.ended = new Promise((resolve) => qemu.on("close", resolve));
    const start = Date.now();
    const seconds = () => String(Math.round((Date.now() - start) / 1000));
    for (;;) {
      const { exitCode, stdout } = await this.run("systemctl is-system-running --wait; true");
      if (exitCode === 0) {
        this.options.log(`${this.name} is ${stdout.trim()} ${seconds()} s after its start`);
        return;
      }
      if (qemu.exitCode !== null || Date.now() > start + BOOT_MS)
        throw new Error(`${this.name} does not come up: see ${this.console}`);
      await new Promise((resolve) => setTimeout(resolve, 2000));
    }
  }

  /** Runs a shell script as root. */
  run(script: string, input?: string): Promise<Result> {
    const { image, folder } = this.options;
    const options = [
      ...["-i", image.key, "-p", String(this.port), "-o", `ControlPath=${folder}/ssh`],
      ...["-o", "ControlMaster=auto", "-o", "ControlPersist=600", "-o", "ConnectTimeout=180"],
      ...["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"],
      ...["-o", "LogLevel=ERROR", "-o", "BatchMode=yes"],
    ];
    const env = { PATH: process.env["PATH"] ?? "", HOME: folder };
    return runCommand("ssh", [...options, "root@127.0.0.1", script], { env, cwd: "/", input });
  }

  /** Until the machine has switched itself off; the seconds that it took. */
  async powerOff(): Promise<number> {
    const start = Date.now();
    await this.run("systemctl poweroff --no-block");
    const timer = setTimeout(() => this.qemu?.kill("SIGKILL"), OFF_MS);
    await this.ended;
    clearTimeout(timer);
    return (Date.now() - start) / 1000;
  }

  /** As a power cut. */
  async close(): Promise<void> {
    this.qemu?.kill("SIGKILL");
    await this.ended;
  }

  get console(): string {
    return join(this.options.folder, "console.log");
  }

  private get disk(): string {
    return join(this.options.folder, "disk.qcow2");
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
