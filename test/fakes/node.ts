/**
 * A node of its own in a temporary directory: a PATH with nothing but the
 * programs that the scripts name, where flux, make and the container engine are
 * fakes that keep notes in files.
 */
import { execa } from "execa";
import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { NodeStep } from "../../lib/cluster/steps.js";
import {
  findAllScript,
  findScript,
  logsScript,
  runScript,
  startScript,
  stepScript,
} from "../../lib/step/scripts.js";
import { lineEnvironment, startCommand } from "../../lib/step/start-command.js";
import { COMPOSE, MAKEFILE } from "./template.js";

const TOOLS =
  "sh cat mkdir chmod mv cp rm ls id cut tr hostname sed grep tail head mktemp setpriv timeout sleep getent rmdir sort awk env touch printf true seq yes wc find readlink fallocate stat base64 fold setsid jq bash";

export const NONCE = "n0nce";
/** Another one in each test file: a call ends what an earlier one of its cluster still does. */
export const MARKER = `179836689580032 ${randomUUID()}`;
/** What is this node's own in the workdir. */
export const OWN = ".usernetes/nodes/0";
export const PROJECT = "usernetes-2qt1hsjy5";

/** Answers getattr rank from $FAKE_RANK, and extracts $FAKE_ARCHIVE. */
const FLUX = `case "$1 $2" in
  "getattr rank") echo "\${FAKE_RANK:-0}" ;;
  "archive extract") [ -n "\${FAKE_ARCHIVE:-}" ] || { echo "flux-archive: no such archive" >&2; exit 1; }
    printf '%s\\n' "$FAKE_ARCHIVE" >"$6/join-command"; ls -ld "$6" | cut -c 1-10 >>"$NOTES/extracted"; echo "$6" >>"$NOTES/extracted" ;;
esac`;

/** Notes its targets and what they saw; `up` makes the container; runs $NOTES/make.TARGET where that is there. */
const MAKE = `echo "$*" >>"$NOTES/make"
echo "\${NODE_NAME:-} \${NODE_SUBNET:-}" >>"$NOTES/make.env"
if [ "$1" = up ] && [ ! -s "$NOTES/container" ]; then echo "$USERNETES_PROJECT-node-1" >"$NOTES/container"; fi
if [ -e "$NOTES/make.$1" ]; then . "$NOTES/make.$1"; fi`;

/** $NOTES/exited has containers that do not run, `NAME: STATUS`. Its containers, networks, volumes and images are lines of $NOTES/KIND. */
const ENGINE = `echo "$*" >>"$NOTES/engine"
if [ -e "$NOTES/engine.down" ]; then echo "Cannot connect to the Docker daemon" >&2; exit 1; fi
drop() { # KIND NAME
  [ ! -e "$NOTES/engine.lies" ] || return 0
  grep -vxF "$2" "$NOTES/$1" >"$NOTES/$1.new"; mv "$NOTES/$1.new" "$NOTES/$1"
}
# Some write a line in pieces.
tell() { while read -r line; do printf %s "$line"; [ ! -e "$NOTES/engine.dawdles" ] || sleep 0.1; echo; done <"$NOTES/$1"; }
case "$1 $2" in
  "ps -a") tell container; [ ! -e "$NOTES/exited" ] || case $* in *Names*Status*) tell exited ;; *Status*) sed 's/^[^:]*: //' "$NOTES/exited" ;; *) sed 's/: .*//' "$NOTES/exited" ;; esac ;;
  "ps "*) tell container ;;
  "network ls" | "volume ls" | "image ls") tell "$1" ;;
  "rm -f") [ ! -e "$NOTES/engine.hangs" ] || exec sleep 300; drop container "$4" ;;
  "network rm" | "volume rm" | "image rm") drop "$1" "$3" ;;
  "exec "*) [ "$2" != -i ] || shift; shift 2; . "$NOTES/in-container" ;;
esac`;

export interface Ended {
  exitCode: number | undefined;
  stdout: string;
  stderr: string;
}

export interface Begun {
  kill: (signal: "SIGTERM" | "SIGKILL") => void;
  /** A line on its stdin, and the end of it. */
  say: (words: string) => void;
  hangUp: () => void;
  /** Its stderr so far. */
  heard: () => string;
  ended: Promise<Ended>;
}

export class Node {
  readonly directory = mkdtempSync(join(tmpdir(), "usernetes-node-"));
  readonly base = join(this.directory, "base");
  readonly workdir = join(this.base, "usernetes-ƒ2qt1hsjy5");
  readonly template = join(this.directory, "template");
  readonly temporary = join(this.directory, "tmp");
  private readonly bin = join(this.directory, "bin");
  private readonly notes = join(this.directory, "notes");
  env: Record<string, string>;

  constructor() {
    for (const directory of [this.base, this.template, this.temporary, this.bin, this.notes])
      mkdirSync(directory);
    for (const tool of TOOLS.split(" ")) symlinkSync(`/usr/bin/${tool}`, join(this.bin, tool));
    this.program("flux", FLUX);
    this.program("make", MAKE);
    this.program("docker", ENGINE);
    for (const kind of ["container", "network", "volume", "image"]) this.note(kind, "");
    writeFileSync(join(this.template, "Makefile"), MAKEFILE);
    writeFileSync(join(this.template, "docker-compose.yaml"), COMPOSE);
    this.env = {
      PATH: this.bin,
      NOTES: this.notes,
      HOME: this.directory,
      TMPDIR: this.temporary,
      USERNETES_TEMPLATE: this.template,
      USERNETES_WORKDIR: this.workdir,
      USERNETES_MARKER: MARKER,
      USERNETES_PROJECT: PROJECT,
      USERNETES_ARCHIVE: PROJECT,
      USERNETES_ENGINE: "docker",
      USERNETES_RANK: "0",
      USERNETES_RANKS: "0",
      USERNETES_HOSTS: "flux-host",
      USERNETES_LEAD: "0",
      USERNETES_SHARED: "auto",
      USERNETES_SIZE: "1",
      USERNETES_SUBNET: "10.100.0.0/24",
      PORT_ETCD: "20000",
      PORT_KUBELET: "20001",
      PORT_FLANNEL: "20002",
      PORT_KUBE_APISERVER: "20003",
    };
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  program(name: string, text: string): void {
    // It may be a link to the machine's own.
    rmSync(join(this.bin, name), { force: true });
    writeFileSync(join(this.bin, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  }

  uninstall(name: string): void {
    rmSync(join(this.bin, name));
  }

  /** Sets a file that the fakes read. */
  note(name: string, text: string): void {
    writeFileSync(join(this.notes, name), text);
  }

  /** Makes one of these at a path. */
  plant(what: "fifo" | "file" | "directory" | "dangling link" | "link", path: string): void {
    if (what === "fifo") execFileSync("mkfifo", [path]);
    if (what === "file") writeFileSync(path, "planted\n");
    if (what === "directory") mkdirSync(path);
    if (what === "dangling link") symlinkSync(join(this.directory, "nowhere"), path);
    if (what === "link") symlinkSync(this.elsewhere, path);
  }

  /** Where planted links lead. */
  get elsewhere(): string {
    const elsewhere = join(this.directory, "elsewhere");
    mkdirSync(elsewhere, { recursive: true });
    return elsewhere;
  }

  /** Whether the fakes wrote a file. */
  has(name: string): boolean {
    return existsSync(join(this.notes, name));
  }

  /** The lines of a file that the fakes wrote. */
  noted(name: string): string[] {
    try {
      return readFileSync(join(this.notes, name), "utf8").split("\n").slice(0, -1);
    } catch {
      return [];
    }
  }

  /** One step by itself. */
  step(step: NodeStep, env: Record<string, string> = {}): Promise<Ended> {
    return this.begin(["-c", stepScript(step), "usernetes", step], env).ended;
  }

  /**
   * One step as `flux exec` starts it for a cluster of the owner's, or of another user's;
   * the process that starts it is called `broker`.
   */
  whole(
    step: NodeStep,
    {
      env = {},
      uid = "",
      broker = "",
    }: { env?: Record<string, string>; uid?: string; broker?: string } = {},
  ): Begun {
    const run = ["sh", "-c", runScript(), "usernetes", NONCE, step, "20", stepScript(step)];
    const all = { ...this.env, ...env };
    const settings =
      uid === "" ? [] : Object.entries(all).map(([name, value]) => `${name}=${value}`);
    const start = ["-c", startScript(), "usernetes-start", NONCE, step, uid, "30"];
    const args = [...start, ...settings, ...run];
    if (broker === "") return this.begin(args, env);
    symlinkSync("/bin/sh", join(this.bin, broker));
    return this.begin(["-c", 'sh "$@"; exit $?', "broker", ...args], env, join(this.bin, broker));
  }

  /** Scripts under on-node/run.sh, as start.sh starts it: [step, seconds, script] each. */
  start(...steps: [string, number, string][]): Begun {
    return this.startAs(NONCE, ...steps);
  }

  /** The same, with a nonce of its own. */
  startAs(nonce: string, ...steps: [string, number, string][]): Begun {
    const rest = steps.flatMap(([step, seconds, script]) => [step, String(seconds), script]);
    return this.begin(["-c", runScript(), "usernetes", nonce, ...rest], {});
  }

  /** The shell of a line, as start.sh starts it: it takes of these what it is told to. */
  line(rank: number, ...steps: [string, string][]): Begun {
    return this.lineOf({ untouched: false }, rank, ...steps);
  }

  /** The same, of a cluster that may have just been claimed. */
  lineOf(of: { untouched: boolean }, rank: number, ...steps: [string, string][]): Begun {
    const rest = steps.flatMap(([step, script]) => [step, "20", script]);
    const env = {
      ...lineEnvironment(of.untouched),
      USERNETES_RANK: String(rank),
      USERNETES_LEAD: String(rank),
    };
    const call = { steps: [], ranks: [rank], env, limitS: 30 };
    const { argv } = startCommand(call, NONCE, rest);
    return this.begin(argv.slice(argv.indexOf(startScript()) + 1 + 5 + 1), env);
  }

  /** The lines of find-all.sh, which looks as others too if `sudo` says so. */
  async find(instance: string, sudo = "no"): Promise<string[]> {
    const words = [this.base, instance, sudo, findScript()];
    const args = ["-c", findAllScript(), "usernetes", ...words];
    return (await this.begin(args, {}).ended).stdout.split("\n");
  }

  /** The lines of logs.sh for these steps, of the cluster that is staged. */
  logs(how: "once" | "follow", steps: NodeStep[], most = 1 << 20): Begun {
    const [jobid = ""] = MARKER.split(" ");
    const words = ["-c", logsScript(), "usernetes", NONCE, jobid, String(most), how, ...steps];
    return this.begin(words, {});
  }

  call(...steps: [string, number, string][]): Promise<Ended> {
    return this.start(...steps).ended;
  }

  /** What is in the directory that temporary files are made in. */
  get litter(): string[] {
    return readdirSync(this.temporary);
  }

  read(...path: string[]): string {
    return readFileSync(join(this.workdir, ...path), "utf8");
  }

  /** A workdir with our marker in it, as stage leaves it. */
  staged(): void {
    mkdirSync(join(this.workdir, OWN), { recursive: true, mode: 0o700 });
    for (const [name, text] of [
      [".usernetes/owner", `${MARKER}\n`],
      [".usernetes/staged", ""],
      [`${OWN}/node.env`, "NODE_NAME=u7s-n\nNODE_SUBNET=10.0.0.0/24\n"],
    ] as const)
      writeFileSync(join(this.workdir, name), text);
    writeFileSync(join(this.workdir, "Makefile"), "up:\n");
  }

  private begin(args: string[], env: Record<string, string>, shell = "/bin/sh"): Begun {
    const child = execa(shell, args, {
      env: { ...this.env, ...env },
      extendEnv: false,
      reject: false,
      cwd: "/",
      timeout: 60_000,
    });
    let heard = "";
    child.stderr.on("data", (chunk: Buffer) => (heard += chunk.toString()));
    return {
      heard: () => heard,
      kill: (signal) => child.kill(signal),
      say: (words) => void child.stdin.write(`${words}\n`),
      hangUp: () => void child.stdin.end(),
      ended: child.then(({ exitCode, stdout, stderr }) => ({ exitCode, stdout, stderr })),
    };
  }
}
