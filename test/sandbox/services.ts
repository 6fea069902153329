/**
 * The instance's own services, which programs call by RPC. Only the services that plugin/bridge.py
 * needs are implemented. The KVS services differ from Flux's own, which only its C library calls.
 */
import { decodeIdset, encodeIdset } from "../../lib/flux/idset.js";
import type { Caller, Send } from "./caller.js";
import { SEVERITIES } from "./dmesg.js";
import { FluxError } from "./flux-error.js";
import { OWNER } from "./guests.js";
import type { Instance } from "./instance.js";
import { followJournal } from "./follow-journal.js";
import type { Kvs, Operation } from "./kvs.js";
import { decodePayload } from "./message.js";

type Payload = Record<string, unknown>;

/** Returns the answer, or undefined for a stream, which sends its answers with `send`. */
type Service = (caller: Caller, payload: Payload, send: Send) => unknown;

const text = (payload: Payload, key: string): string => {
  if (typeof payload[key] === "string") return payload[key];
  throw new FluxError("EPROTO", `no ${key}`);
};
const jobid = ({ id }: Payload): bigint => BigInt(id as string | number);
const object = (payload: Payload, key: string) => (payload[key] ?? {}) as Record<string, unknown>;

/** These services refuse guests, as Flux's own do. */
const ofOwner =
  (service: Service): Service =>
  (caller, payload, send) => {
    if (caller.userid !== OWNER) throw new FluxError("EPERM");
    return service(caller, payload, send) ?? {};
  };

/** Returns a directory in the format of RFC 11. Only the names of its entries are correct. */
function treeObject(kvs: Kvs, key: string): Record<string, unknown> {
  if (kvs.get(key) !== undefined) throw new FluxError("ENOTDIR");
  if (!kvs.isDirectory(key)) throw new FluxError("ENOENT");
  return { ver: 1, type: "dir", data: Object.fromEntries(kvs.list(key).map((name) => [name, {}])) };
}

/** Decodes an idset of ranks. Throws EINVAL if a rank does not exist. */
function ranksIn({ size }: Instance, idset: string): number[] {
  const ranks = decodeIdset(idset);
  if (ranks.some((rank) => rank >= size)) throw new FluxError("EINVAL", "idset is out of range");
  return ranks;
}

const SERVICES: Record<string, Service> = {
  "attr.get"({ instance, rank }, payload) {
    const value = instance.attribute(text(payload, "name"), rank);
    if (value === undefined) throw new FluxError("ENOENT");
    return { value };
  },
  "service.add": ofOwner((caller, payload) => {
    caller.instance.router.add(text(payload, "service"), caller);
  }),
  "groups.get"(caller, _payload, send) {
    const { instance } = caller;
    const online = () => {
      const all = Array.from({ length: instance.size }, (_, rank) => rank);
      const members = encodeIdset(all.filter((rank) => !instance.resources.lost.has(rank)));
      send({ payload: JSON.stringify({ members }) });
    };
    instance.membership.on("change", online);
    caller.onEnd(() => instance.membership.off("change", online));
    online();
    return undefined;
  },
  "log.append": ofOwner(({ instance, rank }, payload) => {
    const severity = SEVERITIES[Number(payload["level"])] ?? "info";
    instance.log.add(text(payload, "name"), severity, { rank, text: text(payload, "text") });
  }),
  "resource.drain": ofOwner(({ instance }, payload) => {
    instance.drain(ranksIn(instance, text(payload, "targets")), text(payload, "reason"));
  }),
  "resource.undrain": ofOwner(({ instance }, payload) => {
    for (const rank of ranksIn(instance, text(payload, "targets")))
      instance.resources.drained.delete(rank);
    instance.jobs.queue.schedule();
  }),
  "resource.status"({ instance: { resources } }) {
    const drain = [...resources.drained].map(([rank, why]) => [String(rank), why] as const);
    return { drain: Object.fromEntries(drain) };
  },
  "job-manager.events-journal"(caller, payload, send) {
    if (caller.userid !== OWNER) throw new FluxError("EPERM");
    followJournal(caller, new Set(Object.keys(object(payload, "allow"))), send);
    return undefined;
  },
  "job-manager.post-event.post": ofOwner(({ instance }, payload) => {
    const job = instance.jobs.jobs.get(jobid(payload));
    if (!job || job.state === "INACTIVE") throw new FluxError("ENOENT");
    instance.jobs.post(job, text(payload, "name"), object(payload, "context"));
  }),
  "job-manager.memo": ofOwner(({ instance }, payload) => {
    instance.jobs.memo(jobid(payload), object(payload, "memo"));
  }),
  "job-manager.raise": ofOwner(({ instance }, payload) => {
    instance.jobs.raise(jobid(payload), {
      type: text(payload, "type"),
      severity: Number(payload["severity"]),
      note: text(payload, "note"),
    });
  }),
  "job-manager.update": ofOwner(({ instance }, payload) => {
    instance.jobs.update(jobid(payload), object(payload, "updates"));
  }),
  "kvs.commit": ofOwner(({ instance }, payload) => {
    instance.kvs.commit(payload["ops"] as Operation[]);
  }),
  "kvs.lookup": ofOwner(({ instance: { kvs } }, payload) => {
    const key = text(payload, "key");
    const value = kvs.get(key);
    if (payload["directory"] === true) return treeObject(kvs, key);
    if (value === undefined) throw new FluxError(kvs.isDirectory(key) ? "EISDIR" : "ENOENT");
    return value;
  }),
};

export type FoundService = (
  caller: Caller,
  payload: string | null,
  send: Send,
) => string | undefined;

/** Returns the instance's own service for a topic. Its result is the payload of the answer. */
export function findService(topic: string): FoundService | undefined {
  const service = SERVICES[topic];
  return (
    service &&
    ((caller, payload, send) => {
      const value = service(caller, decodePayload(payload), send);
      return value === undefined || typeof value === "string" ? value : JSON.stringify(value);
    })
  );
}
