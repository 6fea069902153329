/**
 * Follows one job's primary eventlog: `flux job eventlog --follow`, one process
 * a usernetes job. Started again when it dies; the events that were told before
 * are read again and dropped, so none is lost and none comes twice.
 */
import { startLineProcess, type LineProcess } from "../lib/host/line-process.js";
import type { JobEvent } from "../lib/cluster/fold.js";

const PAUSE_MS = 200;
const PAUSE_MAX_MS = 10_000;

export interface FollowOptions {
  env: Record<string, string>;
  /** How many events of the eventlog are known already. */
  known: number;
  onEvent: (event: JobEvent) => void;
  /** It died and will be started again. */
  onRestart: (why: string) => void;
}

export class Follow {
  private child: LineProcess | undefined;
  private told: number;
  private stopped = false;
  private pauseMs = PAUSE_MS;
  private restart: NodeJS.Timeout | undefined;

  constructor(
    private readonly jobid: bigint,
    private readonly options: FollowOptions,
  ) {
    this.told = options.known;
  }

  start(): void {
    let seen = 0;
    let complaint = "";
    this.child = startLineProcess({
      argv: ["flux", "job", "eventlog", "--follow", "--format=json", String(this.jobid)],
      env: this.options.env,
      onLine: (line) => {
        if (!this.stopped && seen++ >= this.told) this.tell(line);
      },
      onErrorLine: (line) => {
        complaint = line.slice(0, 300);
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

  stop(): void {
    this.stopped = true;
    clearTimeout(this.restart);
    this.child?.terminate();
  }

  private tell(line: string): void {
    const event = parse(line);
    // A line that the process died over is told when it is whole.
    if (!event) return;
    this.told++;
    this.pauseMs = PAUSE_MS;
    this.options.onEvent(event);
  }

  private again(why: string): void {
    this.options.onRestart(why);
    this.restart = setTimeout(() => {
      this.start();
    }, this.pauseMs);
    this.pauseMs = Math.min(this.pauseMs * 2, PAUSE_MAX_MS);
  }
}

function parse(line: string): JobEvent | undefined {
  try {
    const event = JSON.parse(line) as Partial<JobEvent> | null;
    return typeof event?.name === "string" ? (event as JobEvent) : undefined;
  } catch {
    return undefined;
  }
}
