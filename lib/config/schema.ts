/**
 * Defines the [usernetes] table of the broker's configuration. The keys, their allowed values and
 * their defaults are defined here only.
 */
import { rowOf, type Step } from "../cluster/steps.js";
import { PROGRAM } from "./hooks.js";
import { VARIABLES } from "./site-environment.js";
import { DEFAULT_OPTIONS, type TemplateOptions } from "./template.js";
import type { EngineName } from "../usernetes/engine.js";
import { ENGINES } from "../usernetes/engine.js";

/**
 * Changes to a cluster's copy of the template, and to the calls of its targets. They make the
 * cluster come up sooner (lib/node/steps/parts/adjust.sh).
 */
export const ADJUSTMENTS = [
  "kubernetes-version",
  "no-leader-election",
  "controller-rate",
  "host-docker-internal",
  "one-sync",
  "parallel-sync",
  "signed-token",
  "ecdsa-keys",
  "etcd-no-fsync",
] as const;
export type Adjustment = (typeof ADJUSTMENTS)[number];

/** The adjustments that a cluster's user does not notice. */
export const DEFAULT_ADJUSTMENTS = ADJUSTMENTS.slice(0, -1);

/** A table of usernetes.templates. */
export type NamedTemplate = Pick<
  Table,
  "template" | "make" | "port-variables" | "environment" | "images" | "hooks"
>;

/** The table as an administrator writes it, with the defaults filled in. */
export interface Table {
  template: string;
  workdir: string;
  "container-engine": EngineName;
  engines?: EngineName[];
  ports: string;
  subnets: string;
  interface?: string;
  "run-as": "owner" | "sudo";
  "shared-filesystem": "auto" | "yes" | "no";
  hold: "events" | "perilog";
  "bring-up-timeout": string;
  "teardown-timeout": string;
  attempts: { up: number; "kubeadm-init": number; "kubeadm-join": number };
  "join-fanout": number;
  drain: boolean;
  undrain: boolean;
  "extend-time-limit": boolean;
  ready: "nodes" | "network" | "dns";
  "schedule-on-lead": "auto" | "yes" | "no";
  adjustments: Adjustment[];
  make?: TemplateOptions["make"];
  "port-variables"?: string[];
  templates: Record<string, NamedTemplate>;
  "user-templates": boolean;
  environment?: TemplateOptions["environment"];
  images?: string;
  hooks?: TemplateOptions["hooks"];
  "metrics-listen"?: string;
}

const attempts = (step: Step, description: string) => ({
  type: "integer",
  minimum: 1,
  maximum: 20,
  default: rowOf(step).attempts ?? 1,
  description,
});
const path = { type: "string", format: "absolute-path" };
const hook = (description: string) => ({
  type: "array",
  items: { type: "string" },
  minItems: 1,
  maxItems: 64,
  allowed: PROGRAM,
  description,
});
/**
 * The keys that go with a template. None of them has a default here: a table of usernetes.templates
 * takes the value of [usernetes] for each key that it does not set.
 */
const TEMPLATE_KEYS = {
  make: {
    type: "object",
    additionalProperties: false,
    description: "make targets of the template for the steps in which templates differ",
    properties: {
      up: {
        type: "string",
        format: "make-target",
        description: "the target that starts a node's container",
        default: DEFAULT_OPTIONS.make.up,
      },
      network: {
        type: "string",
        format: "make-target-or-none",
        description: "the target that installs the pod network",
        default: DEFAULT_OPTIONS.make.network,
      },
    },
  },
  "port-variables": {
    type: "array",
    items: { type: "string", format: "port-variable" },
    uniqueItems: true,
    maxItems: 32,
    description:
      "further variables of the template that hold ports; each cluster gets its own port for each",
  },
  environment: {
    type: "object",
    allowed: VARIABLES,
    description:
      "environment variables for everything that runs on the nodes for a cluster; `{user}`, `{uid}`, `{home}`, `{host}`, `{jobid}` and `{workdir}` are replaced",
  },
  images: {
    ...path,
    description:
      "directory on each node with image archives (OCI or docker), which are imported into its containerd",
  },
  hooks: {
    type: "object",
    additionalProperties: false,
    description: "programs of the site, each with its arguments, run as the job's user",
    properties: {
      "before-up": hook("program to run on every node before its container starts"),
      "after-ready": hook(
        "program to run on the lead when the cluster is ready and before the job starts; KUBECONFIG is set",
      ),
      "before-down": hook("program to run on every node before its container is removed"),
    },
  },
} as const;

/**
 * flux-config-usernetes(5) and docs/admin/configure.md print each `description` as the key's
 * meaning.
 */
export const schema = {
  type: "object",
  additionalProperties: false,
  required: ["template"],
  properties: {
    template: { ...path, description: "the usernetes clone on each node" },
    workdir: {
      ...path,
      default: "/tmp",
      description: "base directory; a cluster lives in `<workdir>/usernetes-<jobid>`",
    },
    "container-engine": {
      enum: ENGINES,
      default: "docker",
      description: "the default engine of clusters",
    },
    engines: {
      type: "array",
      items: { enum: ENGINES },
      minItems: 1,
      uniqueItems: true,
      description: "engines that a job may request; if not set, container-engine only",
    },
    ports: {
      type: "string",
      format: "port-range",
      default: "20000-29999",
      description:
        'range from which each cluster gets its four ports; "default" is usernetes\' own four, for one cluster per node',
    },
    subnets: {
      type: "string",
      format: "subnet-pool",
      default: "10.100.0.0/14",
      description: "pool from which each node gets its /24 subnet",
    },
    interface: {
      type: "string",
      format: "interface",
      description: "network interface whose address is HOST_IP",
    },
    "run-as": {
      enum: ["owner", "sudo"],
      default: "owner",
      description:
        'whose jobs may have clusters: "owner": the instance owner\'s; "sudo": those of all users, with each step run as the job\'s user',
    },
    "shared-filesystem": {
      enum: ["auto", "yes", "no"],
      default: "auto",
      description: 'whether workdir is shared between nodes; "auto" detects it for each cluster',
    },
    hold: {
      enum: ["events", "perilog"],
      default: "events",
      description:
        'what holds a job until its cluster is ready, and its nodes until the cluster is removed: the daemon ("events"), or a prolog and an epilog ("perilog"). Read when the daemon starts',
    },
    "bring-up-timeout": {
      type: "string",
      format: "fsd",
      default: "15m",
      description: "limit for a whole bring-up",
    },
    "teardown-timeout": {
      type: "string",
      format: "fsd",
      default: "5m",
      description: "limit for one try to tear down a node",
    },
    attempts: {
      type: "object",
      additionalProperties: false,
      default: {},
      description: "how many times a step is tried",
      properties: {
        up: attempts("up", "how many times to try to start a node's container"),
        "kubeadm-init": attempts(
          "kubeadm-init",
          "how many times to try to start the control plane",
        ),
        "kubeadm-join": attempts("kubeadm-join", "how many times a worker tries to join"),
      },
    },
    "join-fanout": {
      type: "integer",
      minimum: 1,
      maximum: 4096,
      default: 64,
      description: "how many workers join at the same time",
    },
    drain: {
      type: "boolean",
      default: true,
      description: "drain a node whose teardown failed, with the reason",
    },
    undrain: {
      type: "boolean",
      default: true,
      description:
        "undrain such a node when it has no leftovers, unless somebody has changed the reason",
    },
    "extend-time-limit": {
      type: "boolean",
      default: true,
      description: "extend a job's time limit by the time that it waited for its cluster",
    },
    ready: {
      enum: ["nodes", "network", "dns"],
      default: "dns",
      description:
        'what must work before the job starts: "nodes": all nodes are Ready; "network": the pod network also runs on every node; "dns": the DNS of the cluster also answers',
    },
    "schedule-on-lead": {
      enum: ["auto", "yes", "no"],
      default: "auto",
      description:
        'whether pods may run on the lead: "auto": only if it is the only node; a job may override it',
    },
    adjustments: {
      type: "array",
      items: { enum: ADJUSTMENTS },
      uniqueItems: true,
      default: DEFAULT_ADJUSTMENTS,
      description:
        "changes to a cluster's own copy of the template that make it come up sooner; [] for none",
    },
    ...TEMPLATE_KEYS,
    templates: {
      type: "object",
      default: {},
      description:
        "further templates, by name, each with a template and the keys that go with it; a job requests one with `usernetes_template=NAME`",
      allowed:
        "tables, each with template and, where they differ from those of [usernetes], make, port-variables, environment, images, hooks",
      additionalProperties: {
        type: "object",
        additionalProperties: false,
        required: ["template"],
        properties: { template: path, ...TEMPLATE_KEYS },
      },
    },
    "user-templates": {
      type: "boolean",
      default: false,
      description:
        "allow a job to use a directory of its own user as template, with `usernetes_template=/DIR`",
    },
    "metrics-listen": {
      type: "string",
      format: "listen",
      description: "address and port where metrics are served; a port alone is on 127.0.0.1",
    },
  },
} as const;

/** Describes the allowed strings of each format, for messages and manual pages. */
export const FORMATS: Record<string, { allowed: string }> = {
  "absolute-path": {
    allowed:
      'an absolute path of 1024 bytes or less, without ":" and without the parts "." and "..", like "/opt/usernetes"',
  },
  "port-range": { allowed: 'a range of four ports or more, like "20000-29999", or "default"' },
  "subnet-pool": { allowed: 'a network of /24 or larger, like "10.100.0.0/14"' },
  "make-target": {
    allowed:
      'the name of a make target, of letters, digits and "_", ".", "/", "-", like "up-built"',
  },
  "make-target-or-none": {
    allowed:
      'the name of a make target, of letters, digits and "_", ".", "/", "-", like "install-calico", or "" for none',
  },
  "port-variable": {
    allowed:
      'the name of a variable that the steps do not set themselves, of capital letters, digits and "_", like "PORT_CALICO"',
  },
  interface: { allowed: 'the name of a network interface, like "eth0"' },
  listen: { allowed: 'an address and a port, like "127.0.0.1:9464", "[::1]:9464" or "9464"' },
  fsd: {
    allowed: 'a finite duration (RFC 23) above 0, like "90s" or "15m"',
  },
};
