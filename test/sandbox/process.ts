/**
 * Processes of a rank: each in a process group of its own, with the environment
 * it was sent and the variables that name its rank, its paths those of its host.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { constants } from "node:os";
import { LineTranslator, type Host } from "./host.js";

export interface Launch {
  host: Host;
  argv: string[];
  cwd: string;
  env: Record<string, string>;
  /** FLUX_URI of the rank. */
  uri: string;
  stdin: boolean;
  onStdout: (chunk: Buffer) => void;
  onStderr: (chunk: Buffer) => void;
}

export type Ending =
  | { kind: "exited"; status: number }
  | { kind: "killed"; signal: NodeJS.Signals }
  | { kind: "not-started"; reason: string };

export interface Running {
  pid: number | undefined;
  kill(signal: NodeJS.Signals): void;
  writeStdin(chunk: Buffer): void;
  endStdin(): void;
  /** Resolves when the process has ended and its output has been closed. */
  ended: Promise<Ending>;
}

const REASONS: Record<string, string> = {
  ENOENT: "No such file or directory",
  EACCES: "Permission denied",
};

/** 143 for a process that SIGTERM killed, as a shell has it. */
export function statusOf(ending: Ending): number {
  if (ending.kind === "exited") return ending.status;
  if (ending.kind === "killed") return 128 + constants.signals[ending.signal];
  return ending.reason === REASONS["EACCES"] ? 126 : 127;
}

/** As wait(2) has it: the exit code above eight bits for the signal. */
export function waitStatusOf(ending: Ending): number {
  return ending.kind === "killed" ? constants.signals[ending.signal] : statusOf(ending) << 8;
}

/** The environment of every process of a host, whoever starts it. */
export function hostEnvironment(host: Host, uri: string): Record<string, string> {
  return {
    FLUX_URI: uri,
    SANDBOX_HOST: host.name,
    SANDBOX_NODE: process.execPath,
    TESTBED: `${host.root}/testbed`,
  };
}

export type Launcher = (request: Launch) => Running;

export function launch(request: Launch): Running {
  const { host, onStdout, onStderr } = request;
  let cwd = host.toProcess(request.cwd);
  if (!existsSync(cwd)) {
    const warning = `Could not change dir to ${cwd}: No such file or directory. Going to /tmp instead\n`;
    onStderr(Buffer.from(warning));
    cwd = "/tmp";
  }
  const argv = [...host.wrap, ...request.argv.map((word) => host.toProcess(word))];
  const [command = "", ...args] = argv;
  const child = spawn(command, args, {
    cwd,
    env: { ...host.environmentToProcess(request.env), ...hostEnvironment(host, request.uri) },
    stdio: [request.stdin ? "pipe" : "ignore", "pipe", "pipe"],
    detached: true,
  });
  const translators = [onStdout, onStderr].map(
    (sink) => new LineTranslator((text) => host.fromProcess(text), sink),
  );
  [child.stdout, child.stderr].forEach((stream, i) => {
    stream?.on("data", (chunk: Buffer) => translators[i]?.write(chunk));
  });
  const stdin = new LineTranslator(
    (text) => host.toProcess(text),
    (chunk) => child.stdin?.write(chunk),
  );
  child.stdin?.on("error", () => undefined);
  return {
    pid: child.pid,
    kill: (signal) => {
      killGroup(child.pid, signal);
    },
    writeStdin: (chunk) => {
      stdin.write(chunk);
    },
    endStdin: () => {
      stdin.end();
      child.stdin?.end();
    },
    ended: ending(child).finally(() => {
      for (const translator of translators) translator.end();
    }),
  };
}

function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // It ended in the meantime.
  }
}

function ending(child: ChildProcess): Promise<Ending> {
  return new Promise((resolve) => {
    child.on("error", (error: NodeJS.ErrnoException) => {
      if (child.pid === undefined)
        resolve({ kind: "not-started", reason: REASONS[error.code ?? ""] ?? error.message });
    });
    child.on("close", (status, signal) => {
      if (signal) resolve({ kind: "killed", signal });
      else resolve({ kind: "exited", status: status ?? 0 });
    });
  });
}
