/** Runs a command to its end, or starts one that a test reads from and writes to meanwhile. */
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";

export interface Result {
  stdout: string;
  stderr: string;
  exitCode: number;
}

export interface Setting {
  env: Record<string, string>;
  cwd: string;
  input?: string | undefined;
}

/** A running command, whose stdout is split into lines. */
export class LiveCommand {
  readonly lines: string[] = [];
  readonly ended: Promise<number>;
  #partial = "";
  #waiting: (() => void)[] = [];

  constructor(readonly child: ChildProcessWithoutNullStreams) {
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      const parts = (this.#partial + text).split("\n");
      this.#partial = parts.pop() ?? "";
      this.lines.push(...parts);
      this.#wake();
    });
    child.stderr.resume();
    child.stdin.on("error", () => undefined);
    this.ended = new Promise((resolve) => {
      child.on("close", (status) => {
        resolve(status ?? 1);
        this.#wake();
      });
    });
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /**
   * Resolves to the first line that matches, whether printed before or later. Rejects at the time
   * limit.
   */
  async line(matches: (line: string) => boolean, timeoutMs = 10_000): Promise<string> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const found = this.lines.find(matches);
      if (found !== undefined) return found;
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`no such line in: ${this.lines.join(" | ")}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#waiting.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }
}

export function spawnCommand(command: string, args: string[], { env, cwd }: Setting): LiveCommand {
  return new LiveCommand(spawn(command, args, { env, cwd, stdio: "pipe" }));
}

export function runCommand(command: string, args: string[], setting: Setting): Promise<Result> {
  const child = spawn(command, args, { env: setting.env, cwd: setting.cwd, stdio: "pipe" });
  child.stdin.on("error", () => undefined);
  child.stdin.end(setting.input ?? "");
  const result: Result = { stdout: "", stderr: "", exitCode: 0 };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (result.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (result.stderr += text));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status) => {
      resolve({ ...result, exitCode: status ?? 1 });
    });
  });
}
