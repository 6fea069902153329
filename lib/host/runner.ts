/**
 * Runs a Command as a local process with execa.
 *
 * Promises: never rejects; ends within the command's deadline plus
 * KILL_AFTER_MS whatever the process does, because `flux exec` to a broker that
 * just died ignores SIGTERM and can hang on SIGKILL's pipes; a process whose
 * parent was killed with -9 gets SIGTERM from the kernel (setpriv(1)).
 */
import { execa } from "execa";
import { KILL_AFTER_MS, OUTPUT_MAX, type Outcome, type Run } from "./command.js";
import { workingDirectory } from "./working-directory.js";
import { readLines } from "./lines.js";

/** Bytes; what is longer is no line of a program that means to be read. */
const LINE_MAX = 1 << 16;

export const run: Run = async (command, options = {}) => {
  const { outputMax = OUTPUT_MAX } = command;
  const args = ["--pdeathsig", "TERM", ...command.argv];
  const child = execa("setpriv", args, {
    env: command.env,
    extendEnv: false,
    stdin: options.onInput ? "pipe" : "ignore",
    // Ctrl-C is for us, who end it in order.
    detached: true,
    timeout: command.timeoutMs,
    ...(options.signal ? { cancelSignal: options.signal } : {}),
    forceKillAfterDelay: KILL_AFTER_MS,
    maxBuffer: outputMax,
    ...workingDirectory(),
    reject: false,
    stripFinalNewline: false,
    buffer: { stdout: true, stderr: options.onStderrLine === undefined },
  });
  const { stdin } = child;
  stdin?.on("error", () => undefined);
  options.onInput?.({
    write: (line) => void stdin?.write(`${line}\n`),
    end: () => void stdin?.end(),
  });
  const onLine = options.onStderrLine;
  const each = onLine && { onLine, onLong: onLine, onTorn: onLine };
  const lines = each ? readLines(child.stderr, { max: LINE_MAX, ...each }) : undefined;
  const result = await child;
  await lines;
  // What has printed too much may exit with 0 all the same, with the rest of it lost.
  const cut = result.isMaxBuffer ? `it printed more than ${outputMax} characters` : undefined;
  const exitCode = cut === undefined ? result.exitCode : undefined;
  return {
    exitCode,
    stdout: result.stdout,
    stderr: lines ? "" : result.stderr,
    timedOut: result.timedOut,
    reason: cut ?? (exitCode === undefined ? reasonOf(result) : ""),
  } satisfies Outcome;
};

/** In one line. */
function reasonOf({ code, shortMessage }: { code?: string; shortMessage?: string }): string {
  if (code === "ENOENT") return "setpriv (of util-linux) is not on the PATH";
  return (shortMessage ?? "").split("\n")[0] ?? "";
}
