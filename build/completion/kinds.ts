/** What the value of an option, or an argument, may be: what a shell can offer for it. */
import { STEPS } from "../../lib/cluster/steps.js";
import { ENGINES } from "../../lib/usernetes/engine.js";

/** Words to choose from, or what build/completion/frame.bash knows how to find. */
export type Kind =
  | readonly string[]
  /** Some of these words, with commas between them. */
  | { listOf: readonly string[] }
  | "file"
  | "directory"
  | "user"
  | "variable"
  | "job"
  | "cluster"
  | "command"
  | "verb"
  /** Nothing that could be offered: a number, a time, ranks. */
  | "none";

/** Of `flux jobs --filter`. */
const JOB_STATES = [
  ...["pending", "running", "active", "inactive"],
  ...["depend", "priority", "sched", "run", "cleanup"],
  ...["completed", "failed", "canceled", "timeout"],
];

/** An option's own name goes before that of its value. */
const OPTIONS: Record<string, Kind> = {
  "--engine": ENGINES,
  "--step": STEPS,
  "--filter": { listOf: JOB_STATES },
  "--pass-env": "variable",
};

const VALUES: Record<string, Kind> = {
  ...{ file: "file", dir: "directory", user: "user", step: STEPS, engine: ENGINES },
  ...{ job: "job", jobid: "job", cluster: "cluster", program: "command" },
};

/** `value`: as the help has it, `file` or `DIR`. */
export function kindOf(value: string, option = "", choices?: readonly string[]): Kind {
  return choices ?? OPTIONS[option] ?? VALUES[value.toLowerCase()] ?? "none";
}
