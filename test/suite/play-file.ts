/** Runs one compiled test file in a separate process. */
import { spawn, type ChildProcess } from "node:child_process";
import { packagePath } from "../../lib/host/package.js";
import type { PlayedFile } from "./summary.js";
import { readTap } from "./tap-file.js";

export interface PlaySetting {
  /** The seconds after which tap ends the file, and reports which test was running. */
  timeoutS: number;
  env: Record<string, string>;
}

/** The additional seconds after which a file is killed that tap did not end in time. */
const GRACE_S = 60;
/** The limit of the wait for pipes that a program holds which outlives the test file. */
const PIPES_MS = 1_000;

/** Node.js would read these certificates at each of hundreds of starts, in 90 ms each time. */
const SPARED = { NODE_EXTRA_CA_CERTS: undefined };

const running = new Set<ChildProcess>();

export function stopAll(signal: NodeJS.Signals): void {
  for (const child of running) child.kill(signal);
}

/** Returns the compiled file: `dist/test/life/job.test.js` for `test/life/job.test.ts`. */
const compiled = (file: string): string => packagePath("dist", file.replace(/\.ts$/, ".js"));

export async function playFile(
  file: string,
  { timeoutS, env }: PlaySetting,
): Promise<PlayedFile & { output: string }> {
  const start = performance.now();
  const preload = `--import=${packagePath("dist/test/suite/processor-time.js")}`;
  const child = spawn(process.execPath, [preload, compiled(file)], {
    cwd: packagePath(),
    env: { ...process.env, ...SPARED, TAP_TIMEOUT: String(timeoutS), ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  const timer = setTimeout(() => child.kill("SIGKILL"), (timeoutS + GRACE_S) * 1000);
  const texts = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    child[name].setEncoding("utf8").on("data", (chunk: string) => (texts[name] += chunk));
  const end = await ended(child);
  clearTimeout(timer);
  running.delete(child);
  const seconds = (performance.now() - start) / 1000;
  const report = readTap(texts.stdout);
  if (end !== 0 && report.failed === 0) {
    report.failed = 1;
    report.failures.push(`the file ended with ${end}`);
  }
  if (report.failed > 0 && texts.stderr !== "")
    report.failures.push("on stderr:", ...texts.stderr.trimEnd().split("\n").slice(-20));
  return { file, seconds, ...report, output: texts.stdout + texts.stderr };
}

/** Resolves to the child's status or signal after all of its output has been read. */
function ended(child: ChildProcess): Promise<number | string> {
  return new Promise((resolve) => {
    const end = () => child.exitCode ?? child.signalCode ?? "no status";
    child.on("close", () => {
      resolve(end());
    });
    child.on("exit", () => {
      setTimeout(() => {
        child.stdout?.destroy();
        child.stderr?.destroy();
        resolve(end());
      }, PIPES_MS).unref();
    });
    child.on("error", (error) => {
      resolve(error.message);
    });
  });
}
