/**
 * Separates permanent failures from those that a retry may fix, by the output of make, the engines
 * and their compose programs. Unknown failures are retried: an unnecessary try costs less than a
 * failed job.
 *
 * Only the causes of the failure are read (cause.ts), and the port or subnet in them. Other ports
 * or subnets help only if the one in use is the cluster's: a port or subnet that the template fixes
 * does not change.
 */
import type { Fault } from "../record/events.js";
import { indexOf, type Pool } from "../usernetes/subnets.js";
import { decodeIdset } from "../flux/idset.js";

/**
 * Messages of docker, rootlesskit, podman (rootlessport, pasta) and nerdctl about a port that is in
 * use.
 */
const PORT =
  /port is already allocated|address already in use|failed to bind (host )?port|\bport \S+ is already in use/i;
/** Matches the port in `0.0.0.0:8080`, `[::]:8080`, `:8080` and `port 8080`. */
const PORT_NUMBER =
  /(?:\bport |[0-9]\.[0-9]{1,3}:|\[[0-9a-f:]*\]:|(?<=^|\s):)([0-9]{1,5})(?![0-9.])/i;

/**
 * Messages of docker, podman (netavark) and nerdctl about a subnet that is in use. podman also
 * prints one if the conflict is with a network that it has lost track of.
 */
const SUBNET =
  /pool overlaps with other one|subnet \S+ is already used|requested ip address \S+ is already allocated|subnet \S+ overlaps with other one/i;
const SUBNET_ADDRESS = /(?:subnet|address) ([0-9]+\.[0-9]+\.[0-9]+)\.[0-9]+(?:\/[0-9]+)? /i;

const PERMANENT: readonly RegExp[] = [
  /No rule to make target|^\S*make(\[[0-9]+\])?: \S+: No such file or directory$/,
  // The message of a shell has a line number. A registry's "not found" has none.
  /^(\S*sh: |[\w./-]+: (line )?[0-9]+: )((line )?[0-9]+: )?[^\s:]+: (command )?not found$/,
  /executable file not found/,
  /manifest unknown|pull access denied|repository does not exist|did not resolve to an alias/,
  /permission denied/i,
  /^sudo: |^sudo is not installed |^uid [0-9]+ has no account /,
  /yaml: |unknown (shorthand )?flag|Unsupported config option/,
  /^the node's container has died: /,
  /^(XDG_RUNTIME_DIR|TMPDIR) \(usernetes\.environment\): /,
  /^the program of the hook /,
  / is (not an|an incomplete) image archive/,
  /^the image directory /,
];

export interface Failure {
  fault: Fault;
  /** A note that replaces the causes, if these do not explain enough. */
  note?: string;
}

/**
 * Classifies a failed step by its causes and the environment of its call. Returns undefined if
 * another try may succeed.
 */
export function failureOf(
  step: string,
  causes: readonly string[],
  env: Record<string, string>,
): Failure | undefined {
  if (step === "up")
    for (const cause of causes) {
      const failure = portFailure(cause, env) ?? subnetFailure(cause, env);
      if (failure) return failure;
    }
  const permanent = PERMANENT.some((pattern) => causes.some((cause) => pattern.test(cause)));
  return permanent ? { fault: "permanent" } : undefined;
}

function portFailure(cause: string, env: Record<string, string>): Failure | undefined {
  if (!PORT.test(cause)) return undefined;
  const port = PORT_NUMBER.exec(cause)?.[1];
  const others = env["USERNETES_PORT_VARIABLES"]?.split(" ") ?? [];
  const isPort = (name: string) => name.startsWith("PORT_") || others.includes(name);
  const ownPorts = Object.entries(env).filter(([name]) => isPort(name));
  if (port === undefined || ownPorts.some(([, value]) => value === port)) return { fault: "port" };
  return fixedByTemplate(`port ${port}`, "is not one of the cluster's ports", cause);
}

function subnetFailure(cause: string, env: Record<string, string>): Failure | undefined {
  if (!SUBNET.test(cause)) return undefined;
  const address = SUBNET_ADDRESS.exec(cause)?.[1];
  if (address === undefined || isOurs(`${address}.0/24`, env)) return { fault: "subnet" };
  return fixedByTemplate(`subnet ${address}.0/24`, "is not one of the cluster's subnets", cause);
}

/** Whether the subnet is one of the cluster's. A cluster has one /24 for each rank, in a row. */
function isOurs(subnet: string, env: Record<string, string>): boolean {
  const { USERNETES_SUBNET: first = "", USERNETES_RANKS: ranks = "" } = env;
  if (first === "") return true;
  const all: Pool = { address: 0, size: 2 ** 24 };
  const place = indexOf(all, subnet) - indexOf(all, first);
  return place >= 0 && place < decodeIdset(ranks).length;
}

function fixedByTemplate(what: string, why: string, cause: string): Failure {
  const advice = "free it on this node, or change it in the template's compose file";
  return { fault: "permanent", note: `${what} is in use and ${why}: ${advice} (${cause})` };
}
