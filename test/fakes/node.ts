/**
 * Simulates a node in a temporary directory. The node's PATH has only the programs that the scripts
 * name. The commands flux, make and docker are fakes that keep notes in files.
 */
import { execa } from "execa";
import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import {
  chmodSync,
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
import type { Hooks } from "../../lib/config/template.js";
import type { NodeStep } from "../../lib/cluster/steps.js";
import { agentSource } from "../../lib/node/agent-source.js";
import { parseReport, type Report, type Request } from "../../lib/node/protocol.js";
import { stepRequest, stepScript } from "../../lib/node/scripts.js";
import { makeAgentPython } from "../sandbox/agent-python.js";
import { COMPOSE, MAKEFILE } from "./template.js";

const TOOLS =
  "sh cat mkdir chmod mv cp rm ls id cut tr hostname sed grep tail head mktemp setpriv timeout sleep getent rmdir sort awk env touch printf true seq yes wc find readlink fallocate stat base64 fold setsid jq bash";

export const NONCE = "n0nce";
/**
 * The marker of the cluster: its job ID and the ID of its Flux instance. The instance's ID differs
 * in each test file, because a call ends the processes of earlier calls for the same cluster.
 */
export const MARKER = `179836689580032 ${randomUUID()}`;
/** The node's own directory in the work directory. */
export const OWN = ".usernetes/nodes/0";
export const PROJECT = "usernetes-2qt1hsjy5";

/** The prefix of the directories into which agents extract join commands. */
export const PRIVATE = `usernetes-join-${MARKER.replace(" ", "-")}`;

/** The fake flux answers getattr rank with $FAKE_RANK, and extracts $FAKE_ARCHIVE. */
const FLUX = `case "$1 $2" in
  "getattr rank") echo "\${FAKE_RANK:-0}" ;;
  "archive extract") [ -n "\${FAKE_ARCHIVE:-}" ] && [ "$7" = --waitcreate=10s ] || { echo "flux-archive: no such archive" >&2; exit 1; }
    printf '%s\\n' "$FAKE_ARCHIVE" >"$6/join-command"; ls -ld "$6" | cut -c 1-10 >>"$NOTES/extracted"; echo "$6" >>"$NOTES/extracted" ;;
esac`;

/**
 * The fake make notes its targets and their environment. The target `up` makes the container. The
 * fake also runs $NOTES/make.TARGET if that file exists.
 */
const MAKE = `echo "$*" >>"$NOTES/make"
echo "\${NODE_NAME:-} \${NODE_SUBNET:-}" >>"$NOTES/make.env"
if [ "$1" = up ] && [ ! -s "$NOTES/container" ]; then echo "$USERNETES_PROJECT-node-1" >"$NOTES/container"; fi
if [ -e "$NOTES/make.$1" ]; then . "$NOTES/make.$1"; fi`;

/**
 * The fake engine keeps its containers, networks, volumes and images as lines of $NOTES/KIND.
 * $NOTES/exited lists stopped containers as `NAME: STATUS`.
 */
const ENGINE = `echo "$*" >>"$NOTES/engine"
if [ -e "$NOTES/engine.down" ]; then echo "Cannot connect to the Docker daemon" >&2; exit 1; fi
drop() { # KIND NAME
  [ ! -e "$NOTES/engine.lies" ] || return 0
  if [ -e "$NOTES/engine.refuses" ]; then echo "Error: $2 is in use" >&2; return 1; fi
  grep -vxF "$2" "$NOTES/$1" >"$NOTES/$1.new"; mv "$NOTES/$1.new" "$NOTES/$1"
}
# Some engines write a line in pieces.
print_file() { while read -r line; do printf %s "$line"; [ ! -e "$NOTES/engine.dawdles" ] || sleep 0.1; echo; done <"$NOTES/$1"; }
case "$1 $2" in
  "ps -a") print_file container; [ ! -e "$NOTES/exited" ] || case $* in *Names*Status*) print_file exited ;; *Status*) sed 's/^[^:]*: //' "$NOTES/exited" ;; *) sed 's/: .*//' "$NOTES/exited" ;; esac ;;
  "ps "*) print_file container ;;
  "network ls" | "volume ls" | "image ls") print_file "$1" ;;
  "rm -f") [ ! -e "$NOTES/engine.hangs" ] || exec sleep 300; drop container "$4" ;;
  "network rm" | "volume rm" | "image rm") drop "$1" "$3" ;;
  "exec "*) [ "$2" != -i ] || shift; shift 2; . "$NOTES/in-container" ;;
esac`;

export interface Ended {
  exitCode: number | undefined;
  stdout: string;
  stderr: string;
}

interface AgentOptions {
  uid?: number | undefined;
  nonce?: string;
  searchS?: number;
}

export interface Started {
  pid: number;
  kill: (signal: "SIGTERM" | "SIGKILL") => void;
  send: (request: Request) => void;
  /** Closes stdin without a request to end, as when the caller has died. */
  hangUp: () => void;
  /** The reports so far, in short form. */
  heard: () => string[];
  ended: Promise<{ exitCode: number | undefined; reports: string[]; stderr: string }>;
}

let python: string | undefined;

/** A python3 that all nodes of a test file share. */
function agentPython(): string {
  if (python === undefined) {
    const directory = mkdtempSync(join(tmpdir(), "usernetes-python-"));
    chmodSync(directory, 0o755);
    process.on("exit", () => {
      rmSync(directory, { recursive: true, force: true });
    });
    python = makeAgentPython(directory);
  }
  return python;
}

export function without(env: Record<string, string>, ...names: string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !names.includes(name)));
}

/** Describes a report in one line, such as `up: failed 7: last lines` or `stage: ok`. */
export function inShort(report: Report): string {
  switch (report.report) {
    case "end": {
      const { step, status, exit, shared, tail } = report;
      const exited = exit === undefined ? "" : ` ${exit}`;
      const lines = tail.length === 0 ? "" : `: ${tail.join(" | ")}`;
      return `${step}: ${status}${exited}${shared ? " shared" : ""}${lines}`;
    }
    case "progress":
    case "result":
    case "log":
      return `${report.report} ${report.step}: ${report.text}`;
    case "refused":
    case "gone":
      return `${report.report}: ${report.text}`;
    case "logs":
      return `logs ${report.found ? "found" : "not found"}`;
    case "found":
      return [
        ...["found", report.userid, report.jobid, report.engine || "-"],
        ...Object.entries(report.site).map((variable) => variable.join("=")),
      ].join(" ");
    case "unseen":
      return `unseen ${report.userid}`;
    case "searched":
      return `searched ${report.host}`;
    case "cut":
      return `cut ${report.step}`;
    case "check":
      return `${report.id} ${report.ok ? "ok" : "no"} ${report.text}`.trimEnd();
    default:
      return report.report;
  }
}

/** Creates a node and removes it at the end of the test. */
export function newNode(t: { teardown(act: () => void): unknown }): Node {
  const node = new Node();
  t.teardown(() => {
    node.remove();
  });
  return node;
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
  /** The site's variables (usernetes.environment). */
  site: Record<string, string> = {};
  /** The site's hooks (usernetes.hooks). */
  hooks: Hooks = {};

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
    // The name may be a link to the machine's own program.
    rmSync(join(this.bin, name), { force: true });
    writeFileSync(join(this.bin, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  }

  uninstall(name: string): void {
    rmSync(join(this.bin, name));
  }

  /** Writes a file that the fakes read. */
  note(name: string, text: string): void {
    writeFileSync(join(this.notes, name), text);
  }

  /** Creates a file of this kind at a path. */
  plant(what: "fifo" | "file" | "directory" | "dangling link" | "link", path: string): void {
    if (what === "fifo") execFileSync("mkfifo", [path]);
    if (what === "file") writeFileSync(path, "planted\n");
    if (what === "directory") mkdirSync(path);
    if (what === "dangling link") symlinkSync(join(this.directory, "nowhere"), path);
    if (what === "link") symlinkSync(this.elsewhere, path);
  }

  /** Creates and returns the directory to which planted links point. */
  get elsewhere(): string {
    const elsewhere = join(this.directory, "elsewhere");
    mkdirSync(elsewhere, { recursive: true });
    return elsewhere;
  }

  /** Returns whether this file exists among the fakes' notes. */
  has(name: string): boolean {
    return existsSync(join(this.notes, name));
  }

  /** Returns the lines of a file that the fakes wrote. */
  noted(name: string): string[] {
    try {
      return readFileSync(join(this.notes, name), "utf8").split("\n").slice(0, -1);
    } catch {
      return [];
    }
  }

  /** Runs the script of one step without an agent. */
  step(step: NodeStep, env: Record<string, string> = {}): Promise<Ended> {
    const args = ["-c", stepScript(step), "usernetes-step", NONCE, step];
    const options = { env: { ...this.env, ...env }, extendEnv: false, reject: false, cwd: "/" };
    return execa("sh", args, { ...options, timeout: 60_000 }).then(
      ({ exitCode, stdout, stderr }) => ({ exitCode, stdout, stderr }),
    );
  }

  /**
   * Starts an agent as `flux exec` does. `uid` is the user of the agent's steps. `searchS` replaces
   * the agent's SEARCH_S.
   */
  agent({ uid, nonce = NONCE, searchS }: AgentOptions = {}): Started {
    const user = [uid === undefined ? "" : String(uid), "30"];
    const source =
      searchS === undefined
        ? agentSource()
        : agentSource().replace(/^SEARCH_S = \d+/m, `SEARCH_S = ${searchS}`);
    const args = ["-I", "-S", "-c", source, "usernetes-agent", nonce, ...user];
    const { PATH = "", NOTES = "", TMPDIR = "", FLUX_URI, FAKE_ARCHIVE, FAKE_RANK } = this.env;
    const child = execa(agentPython(), args, {
      env: { PATH, NOTES, TMPDIR, FLUX_URI, FAKE_ARCHIVE, FAKE_RANK },
      extendEnv: false,
      reject: false,
      cwd: "/",
      timeout: 60_000,
      forceKillAfterDelay: false,
    });
    const reports: string[] = [];
    let prose = "";
    let rest = "";
    child.stderr.on("data", (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const report = parseReport(`0: ${line}`, nonce);
        if (report) reports.push(inShort(report));
        else prose += `${line}\n`;
      }
    });
    return {
      pid: child.pid ?? 0,
      heard: () => reports,
      kill: (signal) => child.kill(signal),
      send: (request) => void child.stdin.write(`${JSON.stringify(request)}\n`),
      hangUp: () => void child.stdin.end(),
      ended: child.then(({ exitCode }) => ({ exitCode, reports, stderr: prose + rest })),
    };
  }

  /**
   * Makes a request for steps. Each step is [step, seconds, script], or the name of a real step,
   * which runs with its own script.
   */
  stepsRequest(steps: (NodeStep | [string, number, string])[]): Request {
    const env = Object.fromEntries(
      Object.entries(this.env).filter(([name]) => !name.startsWith("FAKE_")),
    );
    return {
      do: "steps",
      ranks: "0-999",
      env,
      site: this.site,
      private: PRIVATE,
      teardown: steps.some((step) => step === "down-v" || step[0] === "down-v"),
      steps: steps.map((step) =>
        typeof step === "string"
          ? stepRequest(step, 20, { env, hooks: this.hooks })
          : { step: step[0], seconds: step[1], script: step[2] },
      ),
    };
  }

  /** Starts an agent, and sends it a request for these steps and the request to end. */
  start(...steps: (NodeStep | [string, number, string])[]): Started {
    return this.startAs({}, ...steps);
  }

  startAs(
    as: { uid?: number | undefined; nonce?: string },
    ...steps: (NodeStep | [string, number, string])[]
  ): Started {
    const agent = this.agent(as);
    agent.send(this.stepsRequest(steps));
    agent.send({ do: "end" });
    return agent;
  }

  /** Runs these steps in an agent and returns the agent's reports, without `here`. */
  async call(...steps: (NodeStep | [string, number, string])[]): Promise<string[]> {
    return (await this.start(...steps).ended).reports.slice(1);
  }

  /** Returns an agent's reports about the work directories that it finds, without `here`. */
  async find(instance: string, others = false, options: AgentOptions = {}): Promise<string[]> {
    const agent = this.agent(options);
    agent.send({ do: "find", env: this.env, base: this.base, instance, others });
    agent.send({ do: "end" });
    return (await agent.ended).reports.slice(1);
  }

  /** Starts an agent that reports the logs of these steps of the staged cluster. */
  logs(how: "once" | "follow", steps: string[], bytes = 1 << 20): Started {
    const [jobid = ""] = MARKER.split(" ");
    const agent = this.agent();
    // lib/view/logs.ts sends no marker either, because a reader of logs has none.
    const env = without(this.env, "USERNETES_MARKER");
    agent.send({ do: "logs", env, jobid, bytes, follow: how === "follow", steps });
    agent.send({ do: "end" });
    return agent;
  }

  /** Returns the names in the directory for temporary files. */
  get litter(): string[] {
    return readdirSync(this.temporary);
  }

  read(...path: string[]): string {
    return readFileSync(join(this.workdir, ...path), "utf8");
  }

  /** Creates a work directory with the daemon's marker, as the step `stage` does. */
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
}
