/**
 * Simulates hosts without Flux on which a person calls the usernetes command. The template and the
 * engines are stand-ins.
 */
import { execa } from "execa";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packagePath } from "../../lib/host/package.js";
import { BIN, ENGINES, TEMPLATE } from "../sandbox/paths.js";

const QUICK = ["up", "kubeadm-init", "install-flannel", "join-command", "kubeadm-join"];

export class ByHand {
  readonly directory = mkdtempSync(join(tmpdir(), "usernetes-by-hand-"));
  readonly testbed = join(this.directory, "testbed");
  /** A clone that all hosts share. */
  readonly workdir = join(this.directory, "clone");
  readonly env: Record<string, string>;

  constructor(t: { teardown(act: () => void): unknown }) {
    t.teardown(() => {
      rmSync(this.directory, { recursive: true, force: true });
    });
    for (const name of ["seconds", "fault"])
      mkdirSync(join(this.testbed, name), { recursive: true });
    for (const target of [...QUICK, "sync-external-ip", "down-v", "ready"])
      writeFileSync(join(this.testbed, "seconds", target), "0");
    cpSync(TEMPLATE, this.workdir, { recursive: true });
    this.env = {
      PATH: [packagePath("bin"), ENGINES, BIN, "/usr/bin", "/bin"].join(":"),
      HOME: this.directory,
      TMPDIR: this.directory,
      TESTBED: this.testbed,
      LANG: "C.UTF-8",
    };
  }

  /** Sets the seconds that a target takes. */
  takes(target: string, seconds: number): void {
    writeFileSync(join(this.testbed, "seconds", target), String(seconds));
  }

  /** Runs the command on a host, by default on node0. */
  async run(args: string[], { host = "node0", env = {} } = {}) {
    const { exitCode, stdout, stderr } = await this.start(args, { host, env });
    return { exitCode, stdout, stderr };
  }

  start(args: string[], { host = "node0", env = {} } = {}) {
    // FLUX_URI identifies the processes of an earlier call on the same host. A step may end them.
    const at = { SANDBOX_HOST: host, FLUX_URI: `local://${this.directory}/${host}` };
    return this.execute("usernetes", args, { ...at, ...env });
  }

  /** Runs a program on node0 that may call the command. */
  startProgram([program = "", ...args]: string[], env = {}) {
    return this.execute(program, args, { SANDBOX_HOST: "node0", ...env });
  }

  /** Runs make in the clone, as a person would. */
  make(target: string, host = "node0") {
    return this.execute("make", ["-C", this.workdir, target], { SANDBOX_HOST: host });
  }

  private execute(command: string, args: string[], env: Record<string, string>) {
    return execa(command, args, {
      env: { ...this.env, ...env },
      extendEnv: false,
      reject: false,
      cwd: this.directory,
      timeout: 60_000,
    });
  }

  fault(where: string, what: string): void {
    writeFileSync(join(this.testbed, "fault", where), `${what}\n`);
  }

  read(...path: string[]): string {
    return readFileSync(join(this.workdir, ...path), "utf8");
  }

  /** Returns `host target` for each started target, in order. */
  get starts(): string[] {
    return this.lines("steps.log")
      .filter((line) => line.split(" ")[3] === "begin")
      .map((line) => line.split(" ").slice(1, 3).join(" "));
  }

  lines(name: string): string[] {
    try {
      return readFileSync(join(this.testbed, name), "utf8").split("\n").slice(0, -1);
    } catch {
      return [];
    }
  }

  /** Returns `host project` for each project that an engine still has. */
  get left(): string[] {
    const engines = join(this.testbed, "engine");
    return list(engines).flatMap((host) =>
      list(join(engines, host)).map((project) => `${host} ${project}`),
    );
  }

  async nodes(): Promise<string> {
    const env = { KUBECONFIG: join(this.workdir, "kubeconfig"), SANDBOX_HOST: "node0" };
    return (await this.execute("kubectl", ["get", "nodes"], env)).stdout;
  }
}

function list(directory: string): string[] {
  try {
    return readdirSync(directory).toSorted();
  } catch {
    return [];
  }
}
