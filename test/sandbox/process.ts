/**
 * Starts processes of a rank. Each runs in its own process group. It gets the caller's environment
 * and the variables that identify its rank. Its paths are those of its host.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { constants } from "node:os";
import { makeAgentPython } from "./agent-python.js";
import { LineTranslator, type Host } from "./host.js";

export interface Launch {
  host: Host;
  argv: string[];
  cwd: string;
  env: Record<string, string>;
  /** The FLUX_URI of the rank. */
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

/** Returns the exit status as a shell reports it: 143 for a process that SIGTERM killed. */
export function statusOf(ending: Ending): number {
  if (ending.kind === "exited") return ending.status;
  if (ending.kind === "killed") return 128 + constants.signals[ending.signal];
  return ending.reason === REASONS["EACCES"] ? 126 : 127;
}

/** Returns the status as wait(2) does: the exit code shifted by 8 bits, or the signal number. */
export function waitStatusOf(ending: Ending): number {
  return ending.kind === "killed" ? constants.signals[ending.signal] : statusOf(ending) << 8;
}

/** Returns the variables that every process of a host gets. */
export function hostEnvironment(host: Host, uri: string): Record<string, string> {
  return {
    FLUX_URI: uri,
    SANDBOX_HOST: host.name,
    SANDBOX_NODE: process.execPath,
    SANDBOX_PYTHON: makeAgentPython(`${host.root}/python`),
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
    // The process has exited in the meantime.
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
