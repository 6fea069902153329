/**
 * A long-lived child process that speaks lines. It gets SIGTERM from the kernel
 * when this process dies, whatever kills it.
 */
import { execa } from "execa";
import { workingDirectory } from "./working-directory.js";
import { readLines } from "./lines.js";

/** Bytes of a line of JSON: the record of 4,096 nodes is some MB. */
const LINE_MAX = 16 << 20;
const ERROR_LINE_MAX = 1 << 16;

export interface LineProcessOptions {
  argv: string[];
  env: Record<string, string>;
  /** Whole lines only: an incomplete last line is dropped. */
  onLine: (line: string) => void;
  /** The head of a line that is longer than 16 MiB. */
  onLongLine: (head: string) => void;
  onErrorLine: (line: string) => void;
  /** Its end; `exitCode` is undefined if a signal ended it or it never began. */
  onEnd: (exitCode: number | undefined) => void;
}

export interface LineProcess {
  /** False if it does not take input any more. */
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
    // Ctrl-C is for us, who end it in order.
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
  // What is written in one turn goes as one: each write costs as much as a line.
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
  // EPIPE: onEnd reports the end of the process.
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
