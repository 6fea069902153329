/**
 * A long-lived child process that speaks lines. It gets SIGTERM from the kernel
 * when this process dies, whatever kills it.
 */
import { execa } from "execa";
import { createInterface } from "node:readline";

export interface LineProcessOptions {
  argv: string[];
  env: Record<string, string>;
  onLine: (line: string) => void;
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
    reject: false,
    buffer: false,
    stdin: "pipe",
  });
  createInterface({ input: child.stdout }).on("line", options.onLine);
  createInterface({ input: child.stderr }).on("line", options.onErrorLine);
  // EPIPE: its end is told by onEnd.
  child.stdin.on("error", () => undefined);
  void child.then(({ exitCode }) => {
    options.onEnd(exitCode);
  });
  return {
    write: (line) => child.stdin.writable && (child.stdin.write(`${line}\n`), true),
    closeInput: () => child.stdin.end(),
    terminate: () => child.kill("SIGTERM"),
  };
}
