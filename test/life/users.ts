/**
 * An embedded Flux whose jobs belong to real users of this machine. The test creates these users,
 * u7s-alice and u7s-bob. The files of the stand-ins are copied to a directory that they can read.
 */
import { until } from "../hosts/until.js";
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { BIN, ENGINES, TEMPLATE } from "../sandbox/paths.js";
import { LifeFlux } from "./flux.js";
import type { Tap } from "./life.js";
import { embeddedPlace } from "./places.js";

export interface User {
  name: string;
  uid: number;
}

/** The reason why no users can be created here; undefined if they can. */
export function whyNoUsers(): string | undefined {
  if (process.getuid?.() !== 0) return "it makes users, which needs root";
  const missing = ["sudo", "useradd", "userdel"].find((name) => !isThere(name));
  return missing === undefined ? undefined : `there is no ${missing}`;
}

const isThere = (command: string): boolean =>
  spawnSync("sh", ["-c", `command -v ${command}`]).status === 0;

/** Creates a user. The user is removed at the end of the test, with all processes. */
export function makeUser(t: Tap, name: string): User {
  spawnSync("useradd", ["--create-home", "--shell", "/bin/sh", name]);
  const uid = Number(execFileSync("id", ["-u", name], { encoding: "utf8" }));
  t.teardown(() => {
    for (const { pid } of processesOf(uid)) process.kill(pid, "SIGKILL");
    spawnSync("userdel", ["--remove", "--force", name]);
  });
  return { name, uid };
}

/** The processes of this uid. */
export function processesOf(uid: number): { pid: number; command: string }[] {
  return readdirSync("/proc").flatMap((name) => {
    try {
      if (!/^[0-9]+$/.test(name)) return [];
      const status = readFileSync(`/proc/${name}/status`, "utf8");
      const command = readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ");
      const is = new RegExp(`^Uid:\\s+${uid}\\s`, "m").test(status) && !/^State:\s+Z/m.test(status);
      return is ? [{ pid: Number(name), command }] : [];
    } catch {
      return [];
    }
  });
}

/** Runs a command as the user. Returns its exit status and output. */
export function as(user: User, ...argv: string[]): { status: number | null; stdout: string } {
  const words = ["-n", "-u", user.name, "--", ...argv];
  const { status, stdout } = spawnSync("sudo", words, { encoding: "utf8", cwd: "/" });
  return { status, stdout };
}

export class UsersFlux extends LifeFlux {
  private table_ = "";

  /** Opens an instance. `more` has further lines for the [usernetes] table. */
  static async open(t: Tap, more = ""): Promise<UsersFlux> {
    const place = await embeddedPlace("", { pace: 0 });
    const copies = join(place.common, "copies");
    mkdirSync(copies);
    for (const name of ["make", "hostname"]) cpSync(join(BIN, name), join(copies, "bin", name));
    cpSync(ENGINES, join(copies, "engines"), { recursive: true, verbatimSymlinks: true });
    cpSync(TEMPLATE, join(copies, "template"), { recursive: true });
    place.env["PATH"] = `${copies}/bin:${copies}/engines:${place.env["PATH"] ?? ""}`;
    const flux = new UsersFlux(place);
    t.teardown(() => flux.close());
    flux.hurry();
    flux.openFor(copies);
    const settings = { template: join(copies, "template") };
    flux.table_ = flux.table(`run-as = "sudo"\nready = "dns"\n${more}`, settings);
    return flux;
  }

  /**
   * Makes directories that users can write into, as they can into /tmp, and copies files for them.
   */
  private openFor(copies: string): void {
    const { testbed, common } = this.place;
    const root = join(testbed, "..");
    const hosts = [0, 1, 2, 3].map((rank) => `engine/node${rank}`);
    for (const name of ["", "running", "cluster", "engine", ...hosts]) {
      mkdirSync(join(testbed, name), { recursive: true });
      chmodSync(join(testbed, name), 0o777);
    }
    for (const name of ["steps.log", "engine.log"]) {
      writeFileSync(join(testbed, name), "");
      chmodSync(join(testbed, name), 0o666);
    }
    for (const rank of [0, 1, 2, 3]) chmodSync(this.disk(rank), 0o1777);
    // The stand-in hostname reads a file beside the broker's socket.
    const broker = dirname(this.place.env["FLUX_URI"]?.replace("local://", "") ?? "");
    for (const directory of [root, join(root, "hosts"), common, broker])
      chmodSync(directory, 0o755);
    execFileSync("chmod", ["-R", "a+rX", copies, join(testbed, "seconds")]);
  }

  disk(rank: number): string {
    return join(this.place.testbed, "../hosts", `node${rank}`);
  }

  override startDaemon(...args: string[]): Promise<void> {
    return super.startDaemon("--config", this.table_, ...args);
  }

  /** Runs `flux ARGS` as a guest. Returns the trimmed stdout; rejects if it fails. */
  async by(user: User, ...args: string[]): Promise<string> {
    const { stdout, stderr, exitCode } = await this.asGuest(user, ...args);
    if (exitCode !== 0) throw new Error(`${args.join(" ")}: exit ${exitCode}: ${stderr}`);
    return stdout.trim();
  }

  asGuest(user: User, ...args: string[]): ReturnType<LifeFlux["run"]> {
    return this.run(["flux", ...args], { SANDBOX_USER: String(user.uid) });
  }

  /** Submits a job of this user that requests a cluster on `nodes` nodes. */
  submitBy(user: User, nodes: number, ...command: string[]): Promise<string> {
    const size = [`-N${nodes}`, `-n${nodes}`, "--setattr=attributes.user.usernetes=yes"];
    return this.by(user, "submit", ...size, "--cwd=/", ...command);
  }

  /** The uids of the template's steps. */
  stepUids(): Set<string> {
    const text = readFileSync(join(this.place.testbed, "steps.log"), "utf8");
    return new Set([...text.matchAll(/ uid=([0-9]+) /g)].map(([, uid = ""]) => uid));
  }

  /** Resolves when the template has started `target` on this number of hosts. */
  async untilStarted(target: string, hosts: number): Promise<void> {
    const started = () => this.startedSteps().filter((line) => line.endsWith(` ${target}`)).length;
    await until(`${target} on ${hosts} hosts`, () => started() >= hosts);
  }
}
