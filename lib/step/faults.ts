/**
 * Tells failures that a second try would meet again from those that may pass, by
 * the words of make, the engines and their compose. What is not known here may
 * pass: a try too many costs less than a job.
 */
import type { Fault } from "../record/events.js";

/** docker, rootlesskit, podman (rootlessport, pasta) and nerdctl, when something else listens. */
const PORT =
  /port is already allocated|address already in use|failed to bind (host )?port|port .* is already in use/i;

/** docker; podman (netavark), also where what it has forgotten is in the way; nerdctl. */
const SUBNET =
  /pool overlaps with other one|subnet \S+ is already used|requested ip address \S+ is already allocated|subnet \S+ overlaps with other one/i;

const PERMANENT: readonly RegExp[] = [
  /No rule to make target/,
  /(command |: )not found$/,
  /executable file not found/,
  /manifest unknown|pull access denied|repository does not exist|did not resolve to an alias/,
  /permission denied/i,
  /^sudo: |^sudo is not installed |^uid [0-9]+ has no account /,
  /yaml: |unknown (shorthand )?flag|Unsupported config option/,
];

/** `tail`: the last lines of a step that failed. */
export function faultOf(step: string, tail: readonly string[]): Fault | undefined {
  const any = (pattern: RegExp) => tail.some((line) => pattern.test(line));
  if (step === "up" && any(PORT)) return "port";
  if (step === "up" && any(SUBNET)) return "subnet";
  return PERMANENT.some(any) ? "permanent" : undefined;
}
