/**
 * The Flux of a life test: an embedded or a real one with four ranks. It has the stand-in template,
 * the stand-in engines, the [usernetes] table, and the real daemon.
 */
import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { inTime } from "../hosts/until.js";
import { quickTable } from "./quick-table.js";
import { PACKAGE, TEMPLATE } from "../sandbox/paths.js";
import type { LiveCommand } from "../hosts/run-command.js";
import { runCommand, spawnCommand, type Result, type Setting } from "../hosts/run-command.js";

export interface Place {
  kind: "embedded" | "real";
  /** The directory of the stand-ins: steps.log, engine/, seconds/, fault/. */
  testbed: string;
  /** A directory that all hosts share, for scripts and other files. */
  common: string;
  /** usernetes.workdir, which is different on each host. */
  base: string;
  /** The environment of a process of rank 0. */
  env: Record<string, string>;
  /** Runs a flux command without starting a process. */
  flux?: (args: string[], setting: Setting) => Promise<Result>;
  /** Delays the events that the bridge gets. A Flux without this has its bridge stopped instead. */
  delayBridge?: (ms: number) => void;
  /** Gives the next job this ID, if the Flux can do that. */
  giveId?: (jobid: bigint) => void;
  /** Starts a rank's broker again, if the Flux can do that. */
  restore?: (rank: number) => void;
  /** Another instance on the same hosts, with the same engines and work directories. */
  beside?: (table: string) => Promise<Place>;
  close(): Promise<void>;
}

export interface Entry {
  timestamp: number;
  name: string;
  context?: Record<string, unknown>;
}

/** A line of the template's steps.log. */
export interface Played {
  host: string;
  target: string;
  /** begin, end, fault or overlap. Overlap: the step started while an earlier one still ran. */
  what: string;
}

/** Targets that `hurry` makes fast. Their steps still take long enough to overlap on ranks. */
const QUICK = [
  ...["up", "kubeadm-init", "install-flannel", "join-command", "kubeadm-join"],
  ...["sync-external-ip", "down-v", "ready"],
];

const DAEMON = join(PACKAGE, "bin/flux-usernetes");

export class LifeFlux {
  readonly kind: Place["kind"];
  /** The output of all daemons so far. */
  daemonLog = "";
  logLevel = "warn";
  /** The program of the daemons that are started from now on. */
  daemonProgram = DAEMON;
  private daemonProcess: LiveCommand | undefined;
  private scripts = 0;
  /** Further environment variables of the daemons that are started from now on. */
  daemonEnv: Record<string, string> = {};

  constructor(readonly place: Place) {
    this.kind = place.kind;
    for (const name of ["seconds", "fault"])
      mkdirSync(join(place.testbed, name), { recursive: true });
  }

  /** Makes all steps short, in place of the template's own times. */
  hurry(): void {
    for (const target of QUICK) this.takes(target, 0.1);
  }

  /**
   * Sets the seconds that a target of the template takes from now on. "held": until the test sets
   * another time.
   */
  takes(target: string, seconds: number | "held"): void {
    writeFileSync(join(this.place.testbed, "seconds", target), String(seconds));
  }

  /**
   * Sets a fault, `exit 4`, `hang` or `exit 4 once`, for `node1.up` or `any.up`. Undefined removes
   * it.
   */
  fault(where: string, what: string | undefined): void {
    const file = join(this.place.testbed, "fault", where);
    if (what === undefined) rmSync(file, { force: true });
    else writeFileSync(file, `${what}\n`);
  }

  /** Writes a TOML file with the [usernetes] table and further lines in it. */
  table(more: string, { template = TEMPLATE, workdir = this.place.base } = {}): string {
    const file = join(this.place.common, `usernetes-${++this.scripts}.toml`);
    const text = `[usernetes]\ntemplate = "${template}"\nworkdir = "${workdir}"\n${quickTable(more)}`;
    writeFileSync(file, text);
    return file;
  }

  /** Kills a rank's broker and all processes on its host. */
  async lose(rank: number): Promise<void> {
    if (this.kind === "embedded") {
      await this.output("flux", "sandbox", "lose", String(rank));
      return;
    }
    const ask = ["exec", "-r", String(rank), "flux", "getattr", "broker.pid"];
    process.kill(Number(await this.output("flux", ...ask)), "SIGKILL");
  }

  run(argv: string[], env: Record<string, string> = {}): Promise<Result> {
    const [command = "", ...args] = argv;
    const runs = command === "flux" ? this.place.flux : undefined;
    const setting = { env: { ...this.place.env, ...env }, cwd: this.place.common };
    return runs?.(args, setting) ?? runCommand(command, args, setting);
  }

  flux(...args: string[]): Promise<Result> {
    return this.run(["flux", ...args]);
  }

  /** Returns the trimmed stdout. Rejects if the command fails. */
  async output(...argv: string[]): Promise<string> {
    const { stdout, stderr, exitCode } = await this.run(argv);
    if (exitCode !== 0) throw new Error(`${argv.join(" ")}: exit ${exitCode}: ${stderr}`);
    return stdout.trim();
  }

  /** Writes an executable script that all hosts share. */
  script(text: string): string {
    const file = join(this.place.common, `script-${++this.scripts}.sh`);
    writeFileSync(file, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    return file;
  }

  /** Starts the real daemon and waits until it answers. */
  async startDaemon(...args: string[]): Promise<void> {
    this.launchDaemon(...args);
    await this.output(this.daemonProgram, "ping", "--wait", "20s");
  }

  /** Starts the real daemon without waiting. */
  launchDaemon(...args: string[]): void {
    const env = { ...this.place.env, LOG_LEVEL: this.logLevel, ...this.daemonEnv };
    const argv = ["daemon", ...args, "--pass-env", "TESTBED"];
    this.daemonProcess = spawnCommand(this.daemonProgram, argv, { env, cwd: this.place.common });
    this.daemonProcess.child.stderr.on("data", (chunk: Buffer) => {
      this.daemonLog += chunk.toString();
    });
  }

  /**
   * Resolves when the daemon logs that it is ready (LOG_LEVEL info or lower). Rejects if it ends
   * before.
   */
  daemonReady(): Promise<void> {
    return new Promise((resolve, reject) => {
      let text = "";
      this.daemonProcess?.child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
        if (text.includes('"ready: ')) return;
        text += chunk;
        if (text.includes('"ready: ')) resolve();
      });
      void this.daemonEnded.then((status) => {
        reject(new Error(`the daemon ended with ${status}: ${text}`));
      });
    });
  }

  /** The exit status of the running daemon, when it ends. */
  get daemonEnded(): Promise<number> {
    return this.daemonProcess?.ended ?? Promise.resolve(0);
  }

  /**
   * Makes a copy of the template that all hosts share. Its targets run this script, which gets
   * $target; the command `played` does what the original target does.
   */
  template(script: string): string {
    const template = join(this.place.common, `template-${++this.scripts}`);
    cpSync(TEMPLATE, template, { recursive: true });
    renameSync(join(template, "play"), join(template, "played"));
    const play = `#!/bin/sh\ntarget=$1\nplayed() { ./played "$target"; }\n${script}\n`;
    writeFileSync(join(template, "play"), play, { mode: 0o755 });
    return template;
  }

  /** The largest memory of the running daemon so far, in MiB. */
  get daemonMemory(): number {
    const status = read(`/proc/${this.daemonProcess?.child.pid ?? 0}/status`);
    return Number(/VmHWM:\s+([0-9]+) kB/.exec(status)?.[1] ?? NaN) / 1024;
  }

  get daemonPid(): number {
    return this.daemonProcess?.child.pid ?? 0;
  }

  /** Stops the daemon. Resolves to its exit status; rejects with its log if it does not end. */
  stopDaemon(signal: NodeJS.Signals = "SIGTERM"): Promise<number> {
    const running = this.daemonProcess;
    this.daemonProcess = undefined;
    running?.child.kill(signal);
    return inTime(
      running?.ended ?? Promise.resolve(0),
      () => `the daemon's end: ${this.daemonLog}`,
    );
  }

  /** Resolves to the exit status when the daemon ends by itself. */
  daemonEnd(): Promise<number> {
    const running = this.daemonProcess;
    this.daemonProcess = undefined;
    return running?.ended ?? Promise.reject(new Error("no daemon was started"));
  }

  signalDaemon(signal: NodeJS.Signals): void {
    this.daemonProcess?.child.kill(signal);
  }

  /** Sends a signal to the daemon's child processes whose command contains `word`. */
  signalChildren(
    word: string,
    signal: NodeJS.Signals | 0,
    parent = this.daemonProcess?.child.pid,
  ): number {
    const children = list("/proc").filter((pid) => parentOf(pid) === parent);
    const meant = children.filter((pid) => read(`/proc/${pid}/cmdline`).includes(word));
    for (const pid of meant) process.kill(Number(pid), signal);
    return meant.length;
  }

  /** Delays the events that happen during `act`: the bridge gets them when `act` is over. */
  async behindTheBridge(act: () => Promise<void>): Promise<void> {
    const { delayBridge } = this.place;
    if (delayBridge) delayBridge(1000);
    else if (this.signalChildren("bridge.py", "SIGSTOP") !== 1)
      throw new Error("there is no bridge");
    await act();
    if (delayBridge) delayBridge(0);
    else this.signalChildren("bridge.py", "SIGCONT");
  }

  /** Submits a job that requests a cluster, and returns its ID. */
  submit(...args: string[]): Promise<string> {
    return this.output("flux", "submit", "--setattr=attributes.user.usernetes=yes", ...args);
  }

  async waitFor(job: string, event: string, limit = "40s"): Promise<void> {
    await this.output("flux", "job", "wait-event", "-t", limit, job, event);
  }

  /**
   * Waits until the job's record has this event. `context`: `step=up`. Rejects with the whole
   * record at the time limit.
   */
  async waitForRecord(job: string, event: string, context?: string): Promise<void> {
    const match = context === undefined ? [] : ["-m", context];
    const wait = ["job", "wait-event", "-t", "60s", "-W", "-p", "usernetes.eventlog", ...match];
    const { stderr, exitCode } = await this.flux(...wait, job, event);
    if (exitCode === 0) return;
    const record = (await this.record(job)).map((entry) => JSON.stringify(entry)).join("\n");
    throw new Error(`${job}: ${event} ${context ?? ""}: ${stderr.trim()} in:\n${record}`);
  }

  waitForStep(job: string, step: string): Promise<void> {
    return this.waitForRecord(job, "step-start", `step=${step}`);
  }

  /** Waits until Flux and the daemon are done with the job. */
  async waitForEnd(job: string, limit = "40s"): Promise<void> {
    await this.waitFor(job, "clean", limit);
    if ((await this.record(job)).length === 0) return;
    const path = ["-p", "usernetes.eventlog"];
    await this.output("flux", "job", "wait-event", "-t", limit, ...path, job, "down");
  }

  async events(job: string): Promise<Entry[]> {
    return parse(await this.output("flux", "job", "eventlog", "--format=json", job));
  }

  async record(job: string): Promise<Entry[]> {
    const { stdout } = await this.flux("job", "info", job, "usernetes.eventlog");
    return parse(stdout);
  }

  /** Lists all resources of clusters on all hosts. The list is empty after a complete teardown. */
  async leftovers(): Promise<string[]> {
    const left: string[] = [];
    const engines = join(this.place.testbed, "engine");
    for (const host of list(engines))
      for (const project of list(join(engines, host))) {
        const what = list(join(engines, host, project));
        if (what.length > 0) left.push(`engine ${host} ${project}: ${what.join(" ")}`);
      }
    // A lost rank has no output, and the command's status shows the loss.
    const disks = await this.flux("exec", "-l", "ls", "-A", this.place.base);
    for (const line of disks.stdout.split("\n")) if (/: ./.test(line)) left.push(`disk ${line}`);
    for (const directory of ["usernetes.cluster", "archive"]) {
      const { stdout } = await this.flux("kvs", "ls", "-1", directory);
      for (const name of stdout.split("\n").filter(Boolean)) left.push(`${directory} ${name}`);
    }
    return left;
  }

  /** The template's log, in order. */
  stepsLog(): Played[] {
    const lines = read(join(this.place.testbed, "steps.log")).split("\n").filter(Boolean);
    return lines.map((line) => {
      const [, host = "", target = "", what = ""] = line.split(" ");
      return { host, target, what };
    });
  }

  /** `host target` of each start, in order. */
  startedSteps(): string[] {
    const begins = this.stepsLog().filter(({ what }) => what === "begin");
    return begins.map(({ host, target }) => `${host} ${target}`);
  }

  async close(): Promise<void> {
    await this.stopDaemon();
    await this.place.close();
  }
}

function parse(text: string): Entry[] {
  const lines = text.split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as Entry);
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

/** The parent of a process; undefined if the process does not exist. */
function parentOf(pid: string): number | undefined {
  const stat = /^[0-9]+$/.test(pid) ? read(`/proc/${pid}/stat`) : "";
  const match = /\) . ([0-9]+) /.exec(stat);
  return match ? Number(match[1]) : undefined;
}

function list(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
