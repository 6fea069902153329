/**
 * Follows a job's primary eventlog by `flux job eventlog --follow`, one process for each job with a
 * cluster. A process that dies is restarted. It reads the earlier events again, and these are
 * dropped, so that no event is lost or reported twice.
 */
import { setTimeout as pause } from "node:timers/promises";
import { Backoff } from "../lib/host/backoff.js";
import { keepingClock } from "../lib/host/clock.js";
import { startLineProcess, type LineProcess } from "../lib/host/line-process.js";
import type { JobEvent } from "../lib/cluster/fold.js";
import { parseEvent } from "../lib/record/events.js";
import { oneLine } from "../lib/record/notes.js";

const PAUSES = { firstMs: 200, maxMs: 10_000 };
const LOOK_MS = 10;
const LOOKS = 6;
const LATER_MS = 100;

export interface FollowOptions {
  env: Record<string, string>;
  /** Number of lines of the eventlog that are already known. */
  known: number;
  onEvent: (event: JobEvent) => void;
  /** Called when the process has died, before it is restarted. */
  onRestart: (why: string) => void;
}

export class Follow {
  private child: LineProcess | undefined;
  private delivered: number;
  private stopped = false;
  private readonly restart = new Backoff(keepingClock, PAUSES);

  constructor(
    private readonly jobid: bigint,
    private readonly options: FollowOptions,
  ) {
    this.delivered = options.known;
  }

  start(): void {
    if (this.stopped) return;
    let seen = 0;
    let complaint = "";
    this.child = startLineProcess({
      argv: ["flux", "job", "eventlog", "--follow", "--format=json", String(this.jobid)],
      env: this.options.env,
      onLine: (line) => {
        if (seen++ >= this.delivered) this.deliver(parseEvent(line));
      },
      onLongLine: (head) => {
        if (seen++ >= this.delivered) this.deliver(eventOfHead(head));
      },
      onErrorLine: (line) => {
        complaint = oneLine(line);
      },
      onEnd: (exitCode) => {
        this.child = undefined;
        // Exit 0 comes after `clean` only.
        if (!this.stopped && exitCode !== 0)
          this.again(complaint || `exit ${exitCode ?? "by a signal"}`);
      },
    });
    this.child.closeInput();
  }

  /**
   * Starts the process after a delay. The fork takes the daemon 20 ms, and the process needs 40 ms
   * more to report an event, which is too long if an event is awaited. Until that event arrives,
   * and only a few times, the eventlog is read directly.
   */
  async startLater(read: () => Promise<string[]>, waits: () => boolean): Promise<void> {
    for (let look = 0; look < LOOKS && waits() && !this.stopped; look++) {
      await pause(LOOK_MS);
      const lines = await read().catch((): string[] => []);
      for (const line of lines.slice(this.delivered)) this.deliver(parseEvent(line));
    }
    // The pause lets the caller's own work run before the fork.
    await pause(LATER_MS);
    this.start();
  }

  stop(): void {
    this.stopped = true;
    this.restart.cancel();
    this.child?.terminate();
  }

  /**
   * Passes on an event. A line that is not an event is also counted, because the position is a
   * number of lines.
   */
  private deliver(event: JobEvent | undefined): void {
    if (this.stopped) return;
    this.delivered++;
    this.restart.reset();
    if (event) this.options.onEvent(event);
  }

  private again(why: string): void {
    this.options.onRestart(why);
    this.restart.again(() => {
      this.start();
    });
  }
}

/**
 * Parses the start of a line that is too long. A user may raise an exception with a note of any
 * size, and the exception still counts. Its type and severity come before its note.
 */
function eventOfHead(head: string): JobEvent | undefined {
  const [, timestamp, name] = /^\{"timestamp":([0-9.]+),"name":"([^"\\]+)"/.exec(head) ?? [];
  if (timestamp === undefined || name === undefined) return undefined;
  const type = /"type":"([^"\\]+)"/.exec(head)?.[1];
  // An exception without a readable severity counts as fatal.
  const severity = Number(/"severity":([0-7])[,}]/.exec(head)?.[1] ?? 0);
  const context = name === "exception" ? { type, severity } : {};
  return { timestamp: Number(timestamp), name, context };
}
