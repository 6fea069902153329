/**
 * The daemon's side of bridge.py. It starts the bridge, restarts a bridge that died with growing
 * pauses, and converts its NDJSON into calls and answers. bridge.py describes the protocol.
 *
 * Promises: a request is answered or rejected, never lost; jobs are reported again after each start
 * (the receiver drops repetitions); `refused` stops the restarts; a line that is not part of the
 * protocol is logged and ignored.
 */
import { messageOf } from "../lib/errors.js";
import { decodeIdset } from "../lib/flux/idset.js";
import { Backoff } from "../lib/host/backoff.js";
import { keepingClock } from "../lib/host/clock.js";
import { startLineProcess, type LineProcess } from "../lib/host/line-process.js";
import { packagePath } from "../lib/host/package.js";
import { oneLine } from "../lib/record/notes.js";
import {
  jobidOf,
  reportedJob,
  seconds,
  text,
  wholeNumber,
  type Message,
  type Ready,
  type ReportedJob,
  type ServiceCall,
} from "./bridge-messages.js";
import { EINVAL, FluxError } from "./flux-error.js";

export interface BridgeEvents {
  onReady: (ready: Ready) => void;
  onJob: (job: ReportedJob) => void;
  /** A reported job has its nodes, or is over. */
  onDue: (id: bigint) => void;
  /** The job is inactive: Flux has released its nodes. */
  onInactive: (id: bigint) => void;
  onGone: (id: bigint) => void;
  /** The ranks whose brokers are up, reported again at each change. */
  onOnline: (ranks: number[]) => void;
  onSentinel: () => void;
  /**
   * Carries out a request. The caller gets its result, or the error number and text of a FluxError.
   */
  onCall: (call: ServiceCall) => Promise<unknown>;
  /**
   * The bridge cannot start: another daemon runs, the rank or the owner is wrong, or no instance
   * answers.
   */
  onRefused: (reason: string, error: string) => void;
}

export type KvsOperation =
  ["append", string, string] | ["put", string, unknown] | ["unlink", string];

interface Waiting {
  resolve: (value: unknown) => void;
  reject: (error: Error) => void;
}

const PAUSES = { firstMs: 100, maxMs: 10_000 };

export class Bridge {
  private child: LineProcess | undefined;
  private readonly waiting = new Map<number, Waiting>();
  private seq = 0;
  private stopped = false;
  /** Whether further output of the bridge is ignored. */
  private left = false;
  private wasReady = false;
  private complaint = "";
  private readonly restart = new Backoff(keepingClock, PAUSES);

  constructor(
    private readonly options: {
      env: Record<string, string>;
      args: string[];
      /** The log for warnings. */
      log: { warn(text: string): void };
    },
    private readonly events: BridgeEvents,
  ) {}

  start(): void {
    this.child = startLineProcess({
      argv: ["flux", "python", packagePath("plugin", "bridge.py"), ...this.options.args],
      env: this.options.env,
      onLine: (line) => {
        if (!this.left) this.take(line);
      },
      onLongLine: (head) => {
        this.takeLong(head);
      },
      onErrorLine: (line) => {
        this.complaint = oneLine(line);
        if (this.wasReady) this.options.log.warn(`bridge: ${this.complaint}`);
      },
      onEnd: () => {
        this.ended();
      },
    });
  }

  stop(): void {
    this.left = true;
    this.stopped = true;
    this.restart.cancel();
    this.child?.closeInput();
    this.rejectAll("the daemon ends");
  }

  private ended(): void {
    this.child = undefined;
    this.rejectAll("the bridge ended");
    if (this.stopped) return;
    if (!this.wasReady) {
      // A bridge that never became ready would fail again.
      this.stopped = true;
      this.events.onRefused("flux", this.complaint || "the bridge did not start");
      return;
    }
    this.options.log.warn("the bridge exited; restarting it");
    this.restart.again(() => {
      this.start();
    });
  }

  private rejectAll(why: string): void {
    for (const { reject } of this.waiting.values()) reject(new Error(why));
    this.waiting.clear();
  }

  private take(line: string): void {
    let why = "not a message of the protocol";
    try {
      const message = JSON.parse(line) as Message | null;
      if (message !== null && typeof message === "object" && this.isTaken(message)) return;
    } catch (error) {
      why = messageOf(error);
    }
    this.options.log.warn(
      `bridge: ignoring a malformed line: ${oneLine(line, 100)} (${oneLine(why, 100)})`,
    );
  }

  /**
   * Rejects the request of an answer that is too long, so that its caller does not wait forever.
   */
  private takeLong(head: string): void {
    const seq = /^\{"type":"reply","seq":([0-9]+),/.exec(head)?.[1];
    this.options.log.warn(`bridge: ignoring a line that is too long: ${oneLine(head, 100)}`);
    this.settle(Number(seq), ({ reject }) => {
      reject(new Error("the answer is too long"));
    });
  }

  /** Handles a message. Returns false for an unknown message. Throws if a field is invalid. */
  private isTaken(message: Message): boolean {
    const { events } = this;
    switch (message["type"]) {
      case "ready": {
        const ready = {
          size: wholeNumber(message["size"]),
          owner: wholeNumber(message["owner"]),
          starttime: seconds(message["starttime"]),
        };
        this.restart.reset();
        this.wasReady = true;
        events.onReady(ready);
        return true;
      }
      case "refused":
        // After a restart, the previous bridge may still have the service name for a moment.
        if (message["reason"] === "exists" && this.wasReady) return true;
        this.stopped = true;
        events.onRefused(text(message["reason"]), oneLine(text(message["error"])));
        return true;
      case "job":
        events.onJob(reportedJob(message));
        return true;
      case "due":
        events.onDue(jobidOf(message));
        return true;
      case "inactive":
        events.onInactive(jobidOf(message));
        return true;
      case "gone":
        events.onGone(jobidOf(message));
        return true;
      case "online":
        events.onOnline(decodeIdset(text(message["ranks"])));
        return true;
      case "sentinel":
        events.onSentinel();
        return true;
      case "call":
        void this.answer(wholeNumber(message["call"]), {
          method: text(message["method"]),
          userid: wholeNumber(message["userid"]),
          payload: message["payload"],
        });
        return true;
      case "reply":
        return this.reply(message);
      default:
        return false;
    }
  }

  /**
   * Answers a call. If the bridge was restarted meanwhile, it does not know the call, whose caller
   * already has an error.
   */
  private async answer(call: number, asked: ServiceCall): Promise<void> {
    const answer = await this.events.onCall(asked).then(
      (value) => ({ value }),
      (error: unknown) => ({
        errno: error instanceof FluxError ? error.errno : EINVAL,
        error: oneLine(messageOf(error)),
      }),
    );
    await this.request("answer", { call, ...answer }).catch(() => undefined);
  }

  private reply({ seq, errno, error, value }: Message): boolean {
    return this.settle(seq, ({ resolve, reject }) => {
      if (typeof errno === "number") reject(new FluxError(errno, oneLine(String(error))));
      else resolve(value);
    });
  }

  /** Returns false if no caller waits for the answer. */
  private settle(seq: unknown, how: (waiting: Waiting) => void): boolean {
    const waiting = this.waiting.get(seq as number);
    this.waiting.delete(seq as number);
    if (waiting) how(waiting);
    return waiting !== undefined;
  }

  private request(op: string, fields: Record<string, unknown>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const seq = ++this.seq;
      this.waiting.set(seq, { resolve, reject });
      if (this.child?.write(JSON.stringify({ seq, op, ...fields }))) return;
      this.waiting.delete(seq);
      reject(new Error("the bridge is not running"));
    });
  }

  async post(id: bigint, name: string, context: Record<string, unknown>): Promise<void> {
    await this.request("post", { id: String(id), name, context });
  }

  async memo(id: bigint, memo: Record<string, unknown>): Promise<void> {
    await this.request("memo", { id: String(id), memo });
  }

  /**
   * Raises a fatal exception of type `usernetes`. oneLine makes the note valid text, because Flux
   * accepts no other note.
   */
  async raise(id: bigint, note: string): Promise<void> {
    const exception = { kind: "usernetes", severity: 0, note: oneLine(note, 1000) };
    await this.request("raise", { id: String(id), ...exception });
  }

  /** Raises the same exception as Flux does when a job's time limit is over. */
  async expire(id: bigint): Promise<void> {
    const timeout = { kind: "timeout", severity: 0, note: "resource allocation expired" };
    await this.request("raise", { id: String(id), ...timeout });
  }

  async update(id: bigint, updates: Record<string, unknown>): Promise<void> {
    await this.request("update", { id: String(id), updates });
  }

  async commit(ops: KvsOperation[]): Promise<void> {
    await this.request("commit", { ops });
  }

  async lookup(key: string): Promise<string | undefined> {
    return ((await this.request("lookup", { key })) as string | null) ?? undefined;
  }

  async list(key: string): Promise<string[]> {
    return (await this.request("list", { key })) as string[];
  }

  async drain(ranks: string, reason: string): Promise<void> {
    await this.request("drain", { ranks, reason });
  }

  async drained(): Promise<Record<string, string>> {
    return (await this.request("drained", {})) as Record<string, string>;
  }

  async undrain(ranks: string, reason: string): Promise<void> {
    await this.request("undrain", { ranks, reason });
  }

  /** Notifies the service manager, as sd_notify(3) does. */
  async notify(state: string): Promise<void> {
    await this.request("notify", { state });
  }

  /** Writes a line to `flux dmesg`. `level` is a syslog(3) priority. Best effort. */
  logLine(level: number, text: string): void {
    this.request("log", { level, text }).catch(() => undefined);
  }
}
