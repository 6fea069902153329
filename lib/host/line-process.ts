/**
 * A long-lived child process that exchanges lines of text with this one. If this process dies for
 * any reason, the kernel sends SIGTERM to the child.
 */
import { execa } from "execa";
import { workingDirectory } from "./working-directory.js";
import { readLines } from "./lines.js";

/** The most bytes of a line of JSON. The record of 4,096 nodes has a few MB. */
const LINE_MAX = 16 << 20;
const ERROR_LINE_MAX = 1 << 16;

export interface LineProcessOptions {
  argv: string[];
  env: Record<string, string>;
  /** Called with whole lines only. An incomplete last line is dropped. */
  onLine: (line: string) => void;
  /** Called with the head of a line that is longer than 16 MiB. */
  onLongLine: (head: string) => void;
  onErrorLine: (line: string) => void;
  /**
   * Called when the process has ended and all of its lines have been delivered. `exitCode` is
   * undefined if a signal ended the process or it could not be started.
   */
  onEnd: (exitCode: number | undefined) => void;
}

export interface LineProcess {
  /** Returns false if the process's stdin is closed. */
  write(line: string): boolean;
  closeInput(): void;
  terminate(): void;
}

export function startLineProcess(options: LineProcessOptions): LineProcess {
  const child = execa("setpriv", ["--pdeathsig", "TERM", ...options.argv], {
    env: options.env,
    extendEnv: false,
    ...workingDirectory(),
    reject: false,
    buffer: false,
    stdin: "pipe",
    // The child must not get Ctrl-C, because this process ends it in an orderly way.
    detached: true,
  });
  const { onLine, onLongLine: onLong, onErrorLine } = options;
  const delivered = Promise.all([
    readLines(child.stdout, { max: LINE_MAX, onLine, onLong, onTorn: () => undefined }),
    readLines(child.stderr, {
      max: ERROR_LINE_MAX,
      onLine: onErrorLine,
      onLong: onErrorLine,
      onTorn: onErrorLine,
    }),
  ]);
  // All lines of one turn of the event loop are written together, because each write is expensive.
  let gathers = false;
  const gather = () => {
    if (gathers) return;
    gathers = true;
    child.stdin.cork();
    setImmediate(() => {
      gathers = false;
      child.stdin.uncork();
    });
  };
  // Errors such as EPIPE are ignored: onEnd reports the end of the process.
  child.stdin.on("error", () => undefined);
  void child.then(async ({ exitCode }) => {
    await delivered;
    options.onEnd(exitCode);
  });
  return {
    write(line) {
      if (!child.stdin.writable) return false;
      gather();
      child.stdin.write(`${line}\n`);
      return true;
    },
    closeInput: () => child.stdin.end(),
    terminate: () => child.kill("SIGTERM"),
  };
}
