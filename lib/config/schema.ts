/**
 * The [usernetes] table of the broker's configuration: the one place that says
 * which keys there are, what they may be, and what they are if not set.
 */
import type { EngineName } from "../usernetes/engine.js";
import { ENGINES } from "../usernetes/engine.js";

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
  attempts: { up: number; "kubeadm-join": number };
  "join-fanout": number;
  drain: boolean;
  undrain: boolean;
  "extend-time-limit": boolean;
  ready: "nodes" | "network" | "dns";
  "schedule-on-lead": "auto" | "yes" | "no";
  "metrics-listen"?: string;
}

const attempts = (value: number, description: string) => ({
  type: "integer",
  minimum: 1,
  maximum: 20,
  default: value,
  description,
});
const path = { type: "string", format: "absolute-path" };

/** Each `description` is the key's meaning in flux-config-usernetes(5) and docs/admin/configure.md. */
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
      description: "the engine of clusters whose job asks for no other",
    },
    engines: {
      type: "array",
      items: { enum: ENGINES },
      minItems: 1,
      uniqueItems: true,
      description: "what a job may ask for instead; if not set, container-engine alone",
    },
    ports: {
      type: "string",
      format: "port-range",
      default: "20000-29999",
      description:
        "range that each cluster's four ports are taken from; \"default\" is usernetes' own four, for one cluster a node",
    },
    subnets: {
      type: "string",
      format: "subnet-pool",
      default: "10.100.0.0/14",
      description: "pool that the /24 subnet of each node is taken from",
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
        'whose jobs may have clusters: "owner": the instance owner\'s; "sudo": those of all users, each step as the job\'s user',
    },
    "shared-filesystem": {
      enum: ["auto", "yes", "no"],
      default: "auto",
      description: 'is workdir shared between nodes; "auto" finds out for each cluster',
    },
    hold: {
      enum: ["events", "perilog"],
      default: "events",
      description:
        'who keeps a job until its cluster is ready, and its nodes until it is gone: the daemon ("events"), or a prolog and an epilog ("perilog"). Read when the daemon starts',
    },
    "bring-up-timeout": {
      type: "string",
      format: "fsd",
      default: "15m",
      description: "how long the whole bring-up may take",
    },
    "teardown-timeout": {
      type: "string",
      format: "fsd",
      default: "5m",
      description: "how long one try of a node's teardown may take",
    },
    attempts: {
      type: "object",
      additionalProperties: false,
      default: {},
      description: "how often a step is tried",
      properties: {
        up: attempts(2, "tries of starting a node's container"),
        "kubeadm-join": attempts(3, "tries of a worker's join"),
      },
    },
    "join-fanout": {
      type: "integer",
      minimum: 1,
      maximum: 4096,
      default: 64,
      description: "how many workers join at a time",
    },
    drain: {
      type: "boolean",
      default: true,
      description: "drain a node whose teardown failed, with the reason",
    },
    undrain: {
      type: "boolean",
      default: true,
      description: "undrain such a node when nothing is left there, if the reason is still ours",
    },
    "extend-time-limit": {
      type: "boolean",
      default: true,
      description: "give the held time back to jobs with a time limit",
    },
    ready: {
      enum: ["nodes", "network", "dns"],
      default: "dns",
      description:
        'what works before the job starts: "nodes": all nodes are Ready; "network": the pod network is rolled out on every node, too; "dns": the DNS of the cluster answers, too',
    },
    "schedule-on-lead": {
      enum: ["auto", "yes", "no"],
      default: "auto",
      description:
        'may pods run on the lead: "auto": where it is the only node; a job may ask for another',
    },
    "metrics-listen": {
      type: "string",
      format: "listen",
      description: `address and port where metrics are served, like "9464" (of 127.0.0.1), "[::1]:9464"`,
    },
  },
} as const;

/** What a string of each format is, in words for an administrator. */
export const FORMATS: Record<string, { allowed: string }> = {
  "absolute-path": {
    allowed: 'an absolute path without ":", "." or ".." in it, like "/opt/usernetes"',
  },
  "port-range": { allowed: 'a range of four ports or more, like "20000-29999", or "default"' },
  "subnet-pool": { allowed: 'a network of /24 or larger, like "10.100.0.0/14"' },
  interface: { allowed: 'the name of a network interface, like "eth0"' },
  listen: { allowed: 'an address and a port, like "127.0.0.1:9464", "[::1]:9464" or "9464"' },
  fsd: {
    allowed:
      'a duration (RFC 23) above 0 that is not infinite, like "90s" or "15m": each wait has to end',
  },
};
