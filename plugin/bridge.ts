/**
 * The daemon's end of bridge.py: starts it, starts it again with growing pauses
 * when it dies, and turns its NDJSON into calls and answers. The protocol is
 * described in bridge.py.
 *
 * Promises: a request is answered or rejected, never lost; jobs are reported
 * again after each start (what knows them drops repeats); `refused` and `lost`
 * end it.
 */
import { decodeIdset } from "../lib/flux/idset.js";
import { startLineProcess, type LineProcess } from "../lib/host/line-process.js";
import { packagePath } from "../lib/host/package.js";
import type { Log } from "./log.js";

export interface ReportedJob {
  id: bigint;
  userid: number;
  /** The usernetes* keys of attributes.user. */
  user: Record<string, unknown>;
  /** Seconds, 0: no limit. */
  duration: number;
}

export interface Ready {
  size: number;
  owner: number;
}

export interface BridgeEvents {
  onReady: (ready: Ready) => void;
  onJob: (job: ReportedJob) => void;
  /** A job that was reported has its nodes, or is over. */
  onDue: (id: bigint) => void;
  onGone: (id: bigint) => void;
  /** The ranks whose brokers are up; again at each change. */
  onOnline: (ranks: number[]) => void;
  onSentinel: () => void;
  /** It will not start: another daemon, wrong rank or owner, no instance. */
  onRefused: (reason: string, error: string) => void;
}

/** An answer of Flux that says no. */
export class FluxError extends Error {
  constructor(
    readonly errno: number,
    message: string,
  ) {
    super(message);
  }
}

export const ENOENT = 2;
export const EBUSY = 16;
export const EINVAL = 22;

export type KvsOperation =
  ["append", string, string] | ["put", string, unknown] | ["unlink", string];

interface Waiting {
  resolve: (value: unknown) => void;
  reject: (error: Error) => void;
}

type Message = { type: string; seq?: number } & Record<string, unknown>;

const PAUSE_MAX_MS = 10_000;

export class Bridge {
  private child: LineProcess | undefined;
  private readonly waiting = new Map<number, Waiting>();
  private seq = 0;
  private stopped = false;
  private wasReady = false;
  private complaint = "";
  private pauseMs = 100;
  private restart: NodeJS.Timeout | undefined;

  constructor(
    private readonly options: { env: Record<string, string>; hold: boolean; log: Log },
    private readonly events: BridgeEvents,
  ) {}

  start(): void {
    const argv = ["flux", "python", packagePath("plugin", "bridge.py")];
    this.child = startLineProcess({
      argv: this.options.hold ? argv : [...argv, "--no-hold"],
      env: this.options.env,
      onLine: (line) => {
        this.take(line);
      },
      onErrorLine: (line) => {
        this.complaint = line.slice(0, 300);
        if (this.wasReady) this.options.log.warn(`bridge: ${this.complaint}`);
      },
      onEnd: () => {
        this.ended();
      },
    });
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.restart);
    this.child?.closeInput();
    this.rejectAll("the daemon ends");
  }

  private ended(): void {
    this.child = undefined;
    this.rejectAll("the bridge ended");
    if (this.stopped) return;
    if (!this.wasReady) {
      // What never came up will not by being tried again.
      this.stopped = true;
      this.events.onRefused("flux", this.complaint || "the bridge did not start");
      return;
    }
    this.options.log.warn("the bridge ended; starting it again");
    this.restart = setTimeout(() => {
      this.start();
    }, this.pauseMs);
    this.pauseMs = Math.min(this.pauseMs * 2, PAUSE_MAX_MS);
  }

  private rejectAll(why: string): void {
    for (const { reject } of this.waiting.values()) reject(new Error(why));
    this.waiting.clear();
  }

  private take(line: string): void {
    let message: Message;
    try {
      message = JSON.parse(line) as Message;
    } catch {
      this.options.log.warn(`bridge: not understood: ${line.slice(0, 100)}`);
      return;
    }
    switch (message.type) {
      case "ready":
        this.pauseMs = 100;
        this.wasReady = true;
        this.events.onReady(message as unknown as Ready);
        return;
      case "refused":
        // After a restart the name may still be the last bridge's, for a moment.
        if (message["reason"] === "exists" && this.wasReady) return;
        this.stopped = true;
        this.events.onRefused(String(message["reason"]), String(message["error"]));
        return;
      case "job":
        this.events.onJob({
          id: BigInt(String(message["id"])),
          userid: Number(message["userid"]),
          user: message["user"] as Record<string, unknown>,
          duration: Number(message["duration"]) || 0,
        });
        return;
      case "due":
        this.events.onDue(BigInt(String(message["id"])));
        return;
      case "gone":
        this.events.onGone(BigInt(String(message["id"])));
        return;
      case "online":
        this.events.onOnline(decodeIdset(String(message["ranks"])));
        return;
      case "sentinel":
        this.events.onSentinel();
        return;
      case "reply":
        this.reply(message);
        return;
    }
  }

  private reply(message: Message): void {
    const seq = message.seq ?? -1;
    const waiting = this.waiting.get(seq);
    this.waiting.delete(seq);
    if (typeof message["errno"] === "number")
      waiting?.reject(new FluxError(message["errno"], String(message["error"])));
    else waiting?.resolve(message["value"]);
  }

  private request(op: string, fields: Record<string, unknown>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const seq = ++this.seq;
      this.waiting.set(seq, { resolve, reject });
      if (this.child?.write(JSON.stringify({ seq, op, ...fields }))) return;
      this.waiting.delete(seq);
      reject(new Error("the bridge is not there"));
    });
  }

  async post(id: bigint, name: string, context: Record<string, unknown>): Promise<void> {
    await this.request("post", { id: String(id), name, context });
  }

  async memo(id: bigint, memo: Record<string, unknown>): Promise<void> {
    await this.request("memo", { id: String(id), memo });
  }

  /** An exception of type `usernetes`, fatal. */
  async raise(id: bigint, note: string): Promise<void> {
    await this.request("raise", { id: String(id), kind: "usernetes", severity: 0, note });
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

  /** A line in `flux dmesg`; `level` as in syslog(3). Best effort. */
  logLine(level: number, text: string): void {
    this.request("log", { level, text }).catch(() => undefined);
  }
}
