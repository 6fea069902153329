/**
 * Stands for plugin/bridge.py (its header has the protocol): one long-lived call
 * of the flux command that has the service name `usernetes`, reads the journal,
 * holds the jobs that ask, and answers the daemon. It ends with its stdin.
 */
import { encodeIdset } from "../../lib/flux/idset.js";
import { asks } from "./asks.js";
import { HeldJob } from "./bridge-hold.js";
import { answerRequest, type BridgeRequest } from "./bridge-requests.js";
import type { Call } from "./call.js";
import type { Entry } from "./eventlog.js";
import type { Job } from "./job.js";
import type { Answer } from "./instance.js";
import { readJournal } from "./journal.js";
import { PlainJobs } from "./plain-jobs.js";

const SERVICE = "usernetes";
const INSTANCE_SERVICE = "usernetes-instance";
const ATTRIBUTE_MAX = 4096;
const KEYS = ["usernetes", "usernetes_debug", "usernetes_engine", "usernetes_tolerate"];
const NAMES = new Set(
  "submit alloc prolog-start start epilog-start exception finish invalidate clean".split(" "),
);

/** Our keys of attributes.user, undefined if the job does not ask. */
function requestOf({ jobspec }: Job): Record<string, unknown> | undefined {
  const { user } = jobspec.attributes;
  if (!user || !asks(user["usernetes"])) return undefined;
  const mine = Object.entries(user).filter(([key]) => KEYS.includes(key));
  return Object.fromEntries(
    mine.map(([key, value]) => {
      const json = JSON.stringify(value);
      return [key, json.length > ATTRIBUTE_MAX ? [`${json.slice(0, 80)}...`] : value];
    }),
  );
}

const METHODS = ["clean"];
const EAGAIN = 11;

class Bridge {
  readonly #jobs = new Map<Job, HeldJob>();
  readonly #calls = new Map<number, (answer: Answer) => void>();
  #called = 0;

  constructor(
    readonly call: Call,
    /** Where Flux's own prolog and epilog hold. */
    readonly plain: PlainJobs | undefined,
  ) {}

  emit(message: Record<string, unknown>): void {
    this.call.out(`${JSON.stringify(message)}\n`);
  }

  sentinel(): void {
    this.emit({ type: "sentinel" });
  }

  events(job: Job, entries: Entry[]): void {
    let request: Record<string, unknown> | undefined;
    let held = this.#jobs.get(job);
    if (!held) {
      request = entries[0]?.name === "submit" ? requestOf(job) : undefined;
      if (!request) {
        this.plain?.see(job, entries);
        return;
      }
      held = new HeldJob();
      this.#jobs.set(job, held);
    }
    for (const entry of entries) held.see(entry);
    const id = String(job.id);
    const missing = !this.plain && !held.seen.has("clean") ? held.missing() : undefined;
    if (missing && job.state !== "INACTIVE")
      this.call.instance.jobs.post(job, missing, { description: SERVICE });
    if (request)
      this.emit({
        type: "job",
        id,
        userid: job.userid,
        user: request,
        duration: job.jobspec.attributes.system.duration,
      });
    if (held.becomesDue()) this.emit({ type: "due", id });
    if (held.seen.has("invalidate")) this.emit({ type: "gone", id });
    if (held.seen.has("invalidate") || held.seen.has("clean")) this.#jobs.delete(job);
  }

  called(method: string, payload: unknown): Promise<Answer> | undefined {
    if (!METHODS.includes(method)) return undefined;
    const call = ++this.#called;
    const userid = process.getuid?.() ?? 0;
    this.emit({ type: "call", call, method, userid, payload });
    return new Promise((resolve) => this.#calls.set(call, resolve));
  }

  /** call.py finds out that who was to answer is gone. */
  end(): void {
    for (const answer of this.#calls.values())
      answer({ errno: EAGAIN, error: "it was started again meanwhile: try again" });
  }

  #answer({ call, value, errno, error }: BridgeRequest): void {
    const answer = this.#calls.get(Number(call));
    answer?.(errno === undefined ? { value } : { errno: Number(errno), error: String(error) });
    this.#calls.delete(Number(call));
  }

  input(line: string): void {
    const request = JSON.parse(line) as BridgeRequest;
    if (request.op === "answer") {
      this.#answer(request);
      this.emit({ type: "reply", seq: request.seq, value: null });
      return;
    }
    const reply = {
      type: "reply",
      seq: request.seq,
      ...answerRequest(this.call.instance, request),
    };
    // A request is a round trip through the broker.
    setImmediate(() => {
      this.emit(reply);
    });
  }
}

function refusal(call: Call, service: string): { reason: string; error: string } | undefined {
  if (call.rank !== 0)
    return { reason: "rank", error: `this is rank ${call.rank}, the daemon runs on rank 0` };
  if (call.instance.services.has(service))
    return { reason: "exists", error: `the service ${service} is registered already` };
  return undefined;
}

export async function runBridge(call: Call): Promise<number> {
  const { instance } = call;
  const forInstance = call.argv.includes("--instance");
  const service = forInstance ? INSTANCE_SERVICE : SERVICE;
  const refused = refusal(call, service);
  if (refused) {
    call.out(`${JSON.stringify({ type: "refused", ...refused })}\n`);
    return 1;
  }
  const perilog = call.argv.includes("--perilog");
  const plain = perilog ? new PlainJobs(instance.socket(call.rank)) : undefined;
  const bridge = new Bridge(call, plain);
  instance.services.set(service, {
    ping: () => SERVICE,
    call: (method, payload) => bridge.called(method, payload),
  });
  const owner = process.getuid?.() ?? 0;
  const starttime = Number(instance.attribute("broker.starttime", 0));
  bridge.emit({ type: "ready", rank: 0, size: instance.size, owner, starttime });
  const online = () => {
    const up = Array.from({ length: instance.size }, (_, rank) => rank);
    const ranks = encodeIdset(up.filter((rank) => !instance.resources.lost.has(rank)));
    bridge.emit({ type: "online", ranks });
  };
  online();
  instance.membership.on("change", online);
  const stop = forInstance ? () => undefined : readJournal(instance, NAMES, bridge);
  const status = await readRequests(call, bridge);
  stop();
  instance.membership.off("change", online);
  instance.services.delete(service);
  bridge.end();
  plain?.clear();
  return status;
}

/** Resolves when stdin or the caller is gone, or a request was beyond understanding. */
function readRequests(call: Call, bridge: Bridge): Promise<number> {
  let held = "";
  return new Promise((resolve) => {
    const end = () => {
      resolve(0);
    };
    call.gone.addEventListener("abort", end);
    call.onStdin((chunk) => {
      const lines = (held + chunk.toString("utf8")).split("\n");
      held = lines.pop() ?? "";
      try {
        for (const line of lines) if (line.trim()) bridge.input(line);
      } catch (error) {
        call.err(`usernetes bridge: ${String(error)}\n`);
        resolve(1);
      }
    }, end);
  });
}
