/**
 * A machine of the test: a virtual machine or a container (see the classes that extend this one).
 * Tests log in as root by ssh. A machine ends by its own poweroff or by `close`. The machines node0
 * and node1 share a private network, 192.168.77.0/24 on eth1. Both have the same address on eth0.
 */
import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runCommand, type Result } from "../hosts/run-command.js";
import { until } from "../hosts/until.js";
import type { Image } from "./image.js";

/** The time limits allow for an emulated processor on a busy host. */
const BOOT_MS = 900_000;
const OFF_MS = 300_000;

export interface MachineOptions {
  image: Image;
  /** The folder of the disk, the console's log and the sockets. Sockets need a short path. */
  folder: string;
  index: number;
  memoryMb: number;
  /** Whether the machine outlives this process, so that a later process can use it. */
  keep: boolean;
  log: (line: string) => void;
}

/** The data that a later process needs to use a running machine. */
interface Running {
  pid: number;
  /** The port of the machine's ssh server on 127.0.0.1. */
  port: number;
}

export abstract class Machine {
  readonly name: string;
  private running: Running | undefined;

  constructor(protected readonly options: MachineOptions) {
    this.name = `node${String(options.index)}`;
  }

  /** Makes the disk, which keeps what the machine writes until `folder` is removed. */
  async prepare(): Promise<void> {
    mkdirSync(this.options.folder, { recursive: true });
    await this.makeDisk();
  }

  protected abstract makeDisk(): Promise<void>;

  /** The command that runs the machine. Its arguments must include the disk's path. */
  protected abstract command(port: number): string[];

  protected abstract freePort(): Promise<number>;

  /** The command, before ssh, that makes 127.0.0.1 lead to the machine. */
  protected abstract readonly via: string[];

  protected abstract readonly disk: string;

  /** The signal with which `close` ends the machine. */
  protected abstract readonly endedBy: "SIGKILL" | "SIGTERM";

  /** The requirements that this kind of machine cannot meet, as doctor prints them. */
  abstract readonly unmet: readonly string[];

  /** Uses the machine that an earlier process kept in this folder, if it answers. */
  async attach(): Promise<boolean> {
    try {
      this.running = JSON.parse(readFileSync(this.file, "utf8")) as Running;
    } catch {
      return false;
    }
    return this.alive && (await this.run("true")).exitCode === 0;
  }

  /** Starts the machine. If it does not answer in time, the error names the console's log. */
  async boot(): Promise<void> {
    const port = await this.freePort();
    const console = openSync(this.console, "a");
    const child = spawn("nice", ["-n", "5", ...this.command(port)], {
      stdio: ["ignore", console, console],
      detached: this.options.keep,
    });
    closeSync(console);
    if (this.options.keep) child.unref();
    this.running = { pid: child.pid ?? 0, port };
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
    const [program = "", ...options] = [
      ...this.via,
      "ssh",
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
    return runCommand(program, [...options, "root@127.0.0.1", script], { env, cwd: "/", input });
  }

  /** Powers the machine off and waits for its end. Resolves to the seconds that this took. */
  async powerOff(): Promise<number> {
    const start = Date.now();
    await this.run("systemctl poweroff --no-block");
    await this.gone().catch(() => this.close());
    return (Date.now() - start) / 1000;
  }

  /** Ends the machine like a power cut. */
  async close(): Promise<void> {
    if (this.running && this.alive) process.kill(this.running.pid, this.endedBy);
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

  private get file(): string {
    return join(this.options.folder, "running.json");
  }
}

export async function must(command: string, args: string[]): Promise<void> {
  const env = { PATH: process.env["PATH"] ?? "" };
  const { exitCode, stderr } = await runCommand(command, args, { env, cwd: "/" });
  if (exitCode !== 0) throw new Error(`${command} ${args.join(" ")}: ${stderr.trim()}`);
}
