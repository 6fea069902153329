/**
 * Runs a Command as a local process with execa.
 *
 * Promises: The call never rejects. Whatever the process does, the call ends within the command's
 * timeout plus KILL_AFTER_MS, because `flux exec` to a broker that has just died ignores SIGTERM
 * and can hang on SIGKILL's pipes. If this process is killed with -9, the kernel sends SIGTERM to
 * the child (setpriv(1)).
 */
import { execa } from "execa";
import { KILL_AFTER_MS, OUTPUT_MAX, type Outcome, type Run } from "./command.js";
import { workingDirectory } from "./working-directory.js";
import { readLines } from "./lines.js";

/** The most bytes of a line of stderr. A longer line is not meant for people. */
const LINE_MAX = 1 << 16;

export const run: Run = async (command, options = {}) => {
  const { outputMax = OUTPUT_MAX } = command;
  const args = ["--pdeathsig", "TERM", ...command.argv];
  const child = execa("setpriv", args, {
    env: command.env,
    extendEnv: false,
    stdin: options.onInput ? "pipe" : "ignore",
    // The child must not get Ctrl-C, because this process ends it in an orderly way.
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
  // A process that printed too much may still exit with 0, but the rest of its output is lost.
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

/** The reason in one line. */
function reasonOf({ code, shortMessage }: { code?: string; shortMessage?: string }): string {
  if (code === "ENOENT") return "setpriv (of util-linux) is not on the PATH";
  return (shortMessage ?? "").split("\n")[0] ?? "";
}
