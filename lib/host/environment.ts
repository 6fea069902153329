/** What processes get of our own environment: here all of it, on the nodes no more than is needed. */

/** What local `flux` commands run with. */
export function localEnvironment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([key, value]) =>
      value === undefined ? [] : [[key, value]],
    ),
  );
}

/** What goes to every node, beside a cluster's own variables; `passEnv`: further names. */
export function nodeEnvironment(passEnv: readonly string[]): Record<string, string> {
  const all = localEnvironment();
  const names = ["PATH", "FLUX_URI", ...passEnv];
  return Object.fromEntries(
    names.flatMap((name) => (all[name] === undefined ? [] : [[name, all[name]]])),
  );
}
