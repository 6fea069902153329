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
  "extend-time-limit": boolean;
}

const attempts = (value: number) => ({ type: "integer", minimum: 1, maximum: 20, default: value });
const path = { type: "string", format: "absolute-path" };

export const schema = {
  type: "object",
  additionalProperties: false,
  required: ["template"],
  properties: {
    template: path,
    workdir: { ...path, default: "/tmp" },
    "container-engine": { enum: ENGINES, default: "docker" },
    engines: { type: "array", items: { enum: ENGINES }, minItems: 1, uniqueItems: true },
    ports: { type: "string", format: "port-range", default: "20000-29999" },
    subnets: { type: "string", format: "subnet-pool", default: "10.100.0.0/14" },
    interface: { type: "string", format: "interface" },
    "run-as": { enum: ["owner", "sudo"], default: "owner" },
    "shared-filesystem": { enum: ["auto", "yes", "no"], default: "auto" },
    hold: { enum: ["events", "perilog"], default: "events" },
    "bring-up-timeout": { type: "string", format: "fsd", default: "15m" },
    "teardown-timeout": { type: "string", format: "fsd", default: "5m" },
    attempts: {
      type: "object",
      additionalProperties: false,
      default: {},
      properties: { up: attempts(2), "kubeadm-join": attempts(3) },
    },
    "join-fanout": { type: "integer", minimum: 1, maximum: 4096, default: 64 },
    drain: { type: "boolean", default: true },
    "extend-time-limit": { type: "boolean", default: true },
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
  fsd: { allowed: 'a duration (RFC 23), like "90s" or "15m"' },
};
