/**
 * The environment of child processes, taken from this process's own: local commands get all of it,
 * and the nodes only what they need.
 */

/** The environment of local `flux` commands. */
export function localEnvironment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([key, value]) =>
      value === undefined ? [] : [[key, value]],
    ),
  );
}

/**
 * The variables that every node gets besides a cluster's own. `passEnv`: names of further
 * variables.
 */
export function nodeEnvironment(passEnv: readonly string[]): Record<string, string> {
  const all = localEnvironment();
  const names = ["PATH", "FLUX_URI", ...passEnv];
  return Object.fromEntries(
    names.flatMap((name) => (all[name] === undefined ? [] : [[name, all[name]]])),
  );
}
