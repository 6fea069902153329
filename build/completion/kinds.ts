/** The kinds of values of options and arguments, by which a shell offers completions. */
import { STEPS } from "../../lib/cluster/steps.js";
import { ENGINES } from "../../lib/usernetes/engine.js";

/**
 * A list of words to choose from, or a kind for which build/completion/frame.bash finds the words.
 */
export type Kind =
  | readonly string[]
  /** A list of some of these words, separated by commas. */
  | { listOf: readonly string[] }
  | "file"
  | "directory"
  | "user"
  | "variable"
  | "job"
  | "cluster"
  | "command"
  | "verb"
  /** Values that cannot be completed: numbers, times, ranks. */
  | "none";

/** The states and results of `flux jobs --filter`. */
const JOB_STATES = [
  ...["pending", "running", "active", "inactive"],
  ...["depend", "priority", "sched", "run", "cleanup"],
  ...["completed", "failed", "canceled", "timeout"],
];

/** Kinds by the name of the option, which take precedence over kinds by the name of the value. */
const OPTIONS: Record<string, Kind> = {
  "--engine": ENGINES,
  "--step": STEPS,
  "--filter": { listOf: JOB_STATES },
  "--pass-env": "variable",
};

const VALUES: Record<string, Kind> = {
  ...{ file: "file", dir: "directory", user: "user", step: STEPS, engine: ENGINES },
  ...{ job: "job", jobid: "job", cluster: "cluster", command: "command" },
};

/** Returns the kind of a value. `value`: its name in the help, such as `file` or `DIR`. */
export function kindOf(value: string, option = "", choices?: readonly string[]): Kind {
  return choices ?? OPTIONS[option] ?? VALUES[value.toLowerCase()] ?? "none";
}
