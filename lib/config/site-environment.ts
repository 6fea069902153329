/**
 * Checks usernetes.environment and replaces placeholders in it. A site sets these variables for all
 * programs that run on the nodes for a cluster. Pure.
 *
 * A value may contain placeholders. The daemon replaces those that belong to a cluster. The agent
 * replaces those that belong to a node and its user. `{{` and `}}` stand for one brace.
 */
import { workdir } from "../usernetes/names.js";
import { bytesOf } from "./bytes.js";

/** The placeholders of a cluster, which the daemon replaces. */
const OF_CLUSTER = ["jobid", "workdir"] as const;
/** The placeholders of a node and its user, which agent/environment.py replaces. */
const OF_NODE = ["user", "uid", "home", "host"] as const;
export const PLACEHOLDERS: readonly string[] = [...OF_NODE, ...OF_CLUSTER];

type OfCluster = Record<(typeof OF_CLUSTER)[number], string>;

/** Variables that name a directory, which the agent creates for the user. */
export const DIRECTORY_VARIABLES = ["XDG_RUNTIME_DIR", "TMPDIR"];

/** Patterns of the names that a site cannot set, each with the reason or the key to use instead. */
const OURS: readonly [RegExp, string][] = [
  [
    /^(U7S_)?PORT_(ETCD|KUBELET|FLANNEL|KUBE_APISERVER)$/,
    "each cluster has ports of its own; set usernetes.ports",
  ],
  [/^(U7S_)?NODE_(SUBNET|IP)$/, "each node has a subnet of its own; set usernetes.subnets"],
  [/^(U7S_)?NODE_NAME$/, "each node is named after its host"],
  [/^(U7S_)?HOST_IP$/, "each node finds its own address; set usernetes.interface"],
  [/^CONTAINER_ENGINE$/, "set usernetes.container-engine"],
  [/^COMPOSE(_PROJECT_NAME)?$/, "each cluster has a compose project of its own"],
  [/^KUBECONFIG$/, "each cluster has its own"],
  [/^(LANG|LANGUAGE|LC_[A-Z]+)$/, "output of programs is read in the locale C.UTF-8"],
  [/^USERNETES_/, "flux-usernetes sets these itself"],
  [/^FLUX_/, "Flux sets these itself"],
];

/**
 * Bytes of a value, and of all of them: they travel with the scripts of the steps as one
 * argument, of which Linux allows 128 KiB (test/node/first-request.test.ts).
 */
const VALUE_MAX = 4096;
const ALL_MAX = 16_384;

export const VARIABLES =
  "names of variables with text as values; not those that flux-usernetes and Flux set";
const ALLOWED = `text without control characters, in which {${PLACEHOLDERS.join("}, {")}} are replaced, and {{ and }} stand for braces`;

interface Beside {
  /** usernetes.port-variables: each cluster has its own ports for these. */
  portVariables?: readonly string[];
  /** usernetes.workdir. */
  base?: string;
}

/**
 * Returns the first fault, after the name of the table: `.XDG_RUNTIME_DIR: found ..., allowed:
 * ...`.
 */
export function environmentFault(
  environment: Readonly<Record<string, unknown>>,
  { portVariables = [], base = "/tmp" }: Beside = {},
): string | undefined {
  for (const [name, value] of Object.entries(environment)) {
    if (portVariables.includes(name))
      return `.${name}: cannot be set here: it is one of usernetes.port-variables`;
    const fault = nameFault(name) ?? valueFault(name, value);
    if (fault !== undefined) return fault;
  }
  const longest = { jobid: String(LAST_JOBID), workdir: workdir(base, LAST_JOBID) };
  const replaced = ofCluster(environment as Readonly<Record<string, string>>, longest);
  const all = Object.entries(replaced).reduce(
    (sum, [name, value]) => sum + bytesOf(`${name}=${value}`),
    0,
  );
  if (all <= ALL_MAX) return undefined;
  return `: found ${all} bytes with {jobid} and {workdir} replaced, allowed: ${ALL_MAX} in all`;
}

/** Flux gives no job a longer one. */
const LAST_JOBID = (1n << 64n) - 1n;

function nameFault(name: string): string | undefined {
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(name))
    return `: found the name ${JSON.stringify(name.slice(0, 80))}, allowed: letters, digits and "_", and no digit first`;
  const reserved = OURS.find(([pattern]) => pattern.test(name));
  return reserved && `.${name}: cannot be set here: ${reserved[1]}`;
}

function valueFault(name: string, value: unknown): string | undefined {
  const found = `.${name}: found ${(JSON.stringify(value) as string | undefined)?.slice(0, 80) ?? "nothing"}`;
  if (typeof value !== "string") return `${found}, allowed: ${ALLOWED}`;
  const bytes = bytesOf(value);
  if (bytes > VALUE_MAX) return `.${name}: found ${bytes} bytes, allowed: ${VALUE_MAX}`;
  // eslint-disable-next-line no-control-regex
  if (/[\x00-\x1f\x7f]/.test(value)) return `${found}, allowed: ${ALLOWED}`;
  const strange = partsOf(value).find(({ fault }) => fault);
  if (strange)
    return `${found}, in which ${strange.text} is not a placeholder; allowed: {${PLACEHOLDERS.join("}, {")}}, and {{ and }} for braces`;
  if (DIRECTORY_VARIABLES.includes(name) && !/^(\/|\{(home|workdir)\})/.test(value))
    return `${found}, allowed: an absolute path, which may begin with {home} or {workdir}`;
  return undefined;
}

interface Part {
  text: string;
  /** The name of a placeholder; undefined for other text. */
  name?: string;
  fault?: true;
}

function partsOf(value: string): Part[] {
  return [...value.matchAll(/\{\{|\}\}|\{[^{}]*\}|[{}]|[^{}]+/g)].map(([text]): Part => {
    if (text === "{{" || text === "}}" || !/[{}]/.test(text)) return { text };
    const name = text.slice(1, -1);
    return PLACEHOLDERS.includes(name) ? { text, name } : { text, fault: true };
  });
}

/** Replaces the placeholders of a cluster. The agent replaces the others. */
export function ofCluster(
  environment: Readonly<Record<string, string>>,
  cluster: OfCluster,
): Record<string, string> {
  const replace = ({ text, name }: Part): string =>
    isOfCluster(name) ? cluster[name].replace(/[{}]/g, "$&$&") : text;
  return mapValues(environment, (value) => partsOf(value).map(replace).join(""));
}

/**
 * Omits the variables with a placeholder of a cluster. A check of a node without a cluster uses the
 * rest.
 */
export function withoutCluster(
  environment: Readonly<Record<string, string>>,
): Record<string, string> {
  const hasCluster = (value: string) => partsOf(value).some(({ name }) => isOfCluster(name));
  return Object.fromEntries(Object.entries(environment).filter(([, value]) => !hasCluster(value)));
}

const isOfCluster = (name: string | undefined): name is keyof OfCluster =>
  (OF_CLUSTER as readonly (string | undefined)[]).includes(name);

const mapValues = (of: Readonly<Record<string, string>>, map: (value: string) => string) =>
  Object.fromEntries(Object.entries(of).map(([name, value]) => [name, map(value)]));
