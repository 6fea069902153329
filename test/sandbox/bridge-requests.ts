/** What the daemon may ask of a bridge: plugin/bridge.py's op_* functions. */
import { decodeIdset } from "../../lib/flux/idset.js";
import { SEVERITIES } from "./dmesg.js";
import { FluxError } from "./flux-error.js";
import type { Instance } from "./instance.js";
import type { Operation } from "./kvs.js";
import { pythonJson } from "./python-json.js";

export type BridgeRequest = { seq: number; op: string } & Record<string, unknown>;

type Play = (instance: Instance, request: BridgeRequest) => unknown;

const text = (request: BridgeRequest, key: string): string => {
  if (typeof request[key] === "string") return request[key];
  throw new FluxError("EINVAL", `no ${key}`);
};
const jobid = (request: BridgeRequest): bigint => {
  const id = text(request, "id");
  if (!/^[0-9]+$/.test(id)) throw new FluxError("EINVAL", `${id} is no id`);
  return BigInt(id);
};
const object = (request: BridgeRequest, key: string) =>
  (request[key] ?? {}) as Record<string, unknown>;

const PLAYS: Record<string, Play> = {
  post(instance, request) {
    const job = instance.jobs.jobs.get(jobid(request));
    if (!job || job.state === "INACTIVE") throw new FluxError("ENOENT");
    instance.jobs.post(job, text(request, "name"), object(request, "context"));
  },
  memo(instance, request) {
    instance.jobs.memo(jobid(request), object(request, "memo"));
  },
  raise(instance, request) {
    instance.jobs.raise(jobid(request), {
      type: text(request, "kind"),
      severity: Number(request["severity"]),
      note: text(request, "note"),
    });
  },
  update(instance, request) {
    instance.jobs.update(jobid(request), object(request, "updates"));
  },
  commit(instance, request) {
    const asked = request["ops"] as [string, string, unknown][];
    const operations = asked.map(([verb, key, value]): Operation => {
      if (verb === "append") return ["append", key, String(value)];
      return verb === "put" ? ["put", key, pythonJson(value, { ascii: true })] : ["unlink", key];
    });
    instance.kvs.commit(operations);
  },
  lookup({ kvs }, request) {
    const key = text(request, "key");
    const value = kvs.get(key);
    if (value === undefined && kvs.isDirectory(key)) throw new FluxError("EISDIR");
    return value ?? null;
  },
  list({ kvs }, request) {
    const key = text(request, "key");
    if (kvs.get(key) !== undefined) throw new FluxError("ENOTDIR");
    return kvs.list(key);
  },
  drain(instance, request) {
    const ranks = decodeIdset(text(request, "ranks"));
    if (ranks.some((rank) => rank >= instance.size))
      throw new FluxError("EINVAL", "idset is out of range");
    instance.drain(ranks, text(request, "reason"));
  },
  drained({ resources }) {
    const drained = [...resources.drained].map(([rank, { reason }]) => [String(rank), reason]);
    return Object.fromEntries(drained) as Record<string, string>;
  },
  undrain({ resources }, request) {
    for (const rank of decodeIdset(text(request, "ranks"))) resources.drained.delete(rank);
  },
  log(instance, request) {
    const severity = SEVERITIES[Number(request["level"])] ?? "info";
    instance.log.add("usernetes", severity, { rank: 0, text: text(request, "text") });
  },
  // Nobody listens: the service manager is played nowhere.
  notify: () => null,
};

/** The reply to a request, without its envelope. */
export function answerRequest(instance: Instance, request: BridgeRequest): Record<string, unknown> {
  const play = PLAYS[request.op];
  try {
    if (!play) throw new FluxError("EINVAL", `${request.op} is no request`);
    return { value: play(instance, request) ?? null };
  } catch (error) {
    if (!(error instanceof FluxError)) throw error;
    return { errno: error.errno, error: error.message };
  }
}
