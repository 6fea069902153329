/**
 * Finds the lines of a step's output that explain a failure: the line that ended the step, or, if
 * that line is a summary, the lines above it that it sums up.
 *
 * Warnings, progress, and lines that make, compose and kubeadm print after an error are never a
 * cause. A warning is shown only if a step printed nothing else. lib/cluster/failures.ts makes the text
 * of the exception with the cause.
 */

/** Lines that programs print after an error, or between other lines. */
const NOISE: readonly RegExp[] = [
  /^\s*$|^-+$|^-- exit [0-9]+ --$/,
  /^(Terminated|Killed|Hangup|Aborted)( \(core dumped\))?$/,
  // make: "[Makefile:97: up] Error 2" sums up its recipe. "No rule to make target" is an error.
  /^\S*make(\[[0-9]+\])?: (\*\*\* (\[.*\] |Waiting for |Deleting )|(Entering|Leaving) directory|Target .* not remade)/,
  /^To see the stack trace of this error execute with |^\[preflight\] If you know what you are doing/,
  /^See '.* --help'|^Run '.* --help'/,
  // podman-compose prints the commands that it runs, and their exit codes.
  /^exit code: [0-9]+$|^podman (start|run|exec|rm|stop|build|network|volume) /,
  // docker compose prints progress. Its line with Error repeats the engine's next line.
  /^\s*(\[\+\] |(Network|Container|Volume|Image) \S+ +[A-Z][a-z]+\b)|^\s*\S+ (Pulling|Pulled|Building|Built|Error)\s*$/,
];

const WARNING =
  /^\s*\[?warn(ing)?\b|^[WI][0-9]{4} [0-9:.]+ |\blevel=(warn(ing)?|info|debug)\b|^\S*make(\[[0-9]+\])?: warning: /i;

/**
 * A line that is a summary, and the pattern of its causes. `which` selects all causes, the first or
 * the last.
 */
interface Summary {
  line: RegExp;
  causes: RegExp;
  which: "all" | "first" | "last";
}

const ENGINE_ERROR = /^(Error|ERROR|error):? |level=(error|fatal) /;

const SUMMARIES: readonly Summary[] = [
  {
    line: /^(error: )?error execution phase \S+: (preflight checks failed|\[preflight\] Some fatal errors)/,
    causes: /^\s*\[ERROR [^\]]+\]/,
    which: "all",
  },
  // Before Kubernetes 1.34, kubeadm prints the errors after their heading.
  { line: /^\s*\[ERROR [^\]]+\]/, causes: /^\s*\[ERROR [^\]]+\]/, which: "all" },
  {
    line: /^(error: )?error execution phase \S+: (could ?n[o']t|couldn't) initialize a Kubernetes cluster/,
    causes: /^\[(kubelet|api|control-plane)-check\] .*(not healthy|not running|unhealthy|failed)/,
    which: "last",
  },
  // The first error of an engine causes the later ones.
  {
    line: /^the node's container does not run: |^subprocess\.CalledProcessError: |no container with name or ID|no such container/i,
    causes: ENGINE_ERROR,
    which: "first",
  },
  {
    line: /^\S+ does not answer: the leftovers of /,
    causes: /^Cannot connect |^(Error|ERROR|error):? |level=(error|fatal) /,
    which: "last",
  },
  // BuildKit prefixes a program's last line, as in `#9 1.204 E: Unable to locate package x`.
  {
    line: /failed to solve: process .* did not complete successfully/,
    causes: /^(#[0-9]+ )?[0-9]+\.[0-9]+ \S/,
    which: "last",
  },
];

/**
 * Returns the lines of `tail`, the last lines of a step, that explain its end; empty if none does.
 */
export function causesOf(tail: readonly string[]): string[] {
  const lines = tail.filter((line) => !NOISE.some((noise) => noise.test(line)));
  const errors = lines.filter((line) => !WARNING.test(line));
  const last = errors.at(-1) ?? lines.at(-1);
  if (last === undefined) return [];
  return causesOfSummary(errors, last).map((line) => line.trim());
}

function causesOfSummary(errors: readonly string[], last: string): string[] {
  const summary = SUMMARIES.find(({ line }) => line.test(last));
  const causes = errors.filter((line) => summary?.causes.test(line));
  if (summary?.which === "all" && causes.length > 0) return causes;
  const cause = (summary?.which === "first" ? causes[0] : causes.at(-1)) ?? last;
  return [withContinuation(errors, cause)];
}

/**
 * Adds the next line to an error that ends with a colon, as in `Error: pasta failed with exit code
 * 1:`.
 */
function withContinuation(errors: readonly string[], cause: string): string {
  const next = errors[errors.indexOf(cause) + 1];
  return cause.endsWith(":") && next !== undefined ? `${cause} ${next.trim()}` : cause;
}
