/**
 * Notifies systemd if the daemon runs as a unit (sd_notify(3)): when it is ready, reloads and
 * stops, and with a keep-alive message at half of WatchdogSec. The bridge sends the messages,
 * because Node.js has no datagrams on Unix sockets. A keep-alive message is therefore a round trip
 * through the bridge, and a bridge that hangs is also detected.
 *
 * Promises: nothing happens if NOTIFY_SOCKET is not set; `ready` is repeated until it arrives, even
 * if the bridge is being restarted; all other messages are best effort.
 */
import { retry } from "../lib/host/backoff.js";
import type { Clock } from "../lib/host/clock.js";

/** Sends a message. Rejects if no bridge runs. */
export type Notify = (state: string) => Promise<void>;

const PAUSES = { firstMs: 1_000, maxMs: 1_000 };

export class ServiceManager {
  private readonly hasSocket: boolean;
  /** Milliseconds between keep-alive messages; undefined if none are sent. */
  private readonly signMs: number | undefined;
  private isReady = false;
  private ended = false;

  constructor(
    private readonly notify: Notify,
    private readonly clock: Clock,
    env: Record<string, string>,
  ) {
    this.hasSocket = (env["NOTIFY_SOCKET"] ?? "") !== "";
    this.signMs = this.hasSocket ? signOfLife(env) : undefined;
  }

  /** Reports that the daemon has started, or that a reload is over. systemctl shows `status`. */
  ready(status: string): void {
    const first = !this.isReady;
    this.isReady = true;
    this.insist(`READY=1\nSTATUS=${status.replaceAll("\n", " ")}`);
    if (first && this.signMs !== undefined) this.signs(this.signMs);
  }

  reloading(): void {
    if (!this.isReady) return;
    const us = process.hrtime.bigint() / 1000n;
    this.send(`RELOADING=1\nMONOTONIC_USEC=${us}`).catch(() => undefined);
  }

  stopping(): void {
    this.send("STOPPING=1").catch(() => undefined);
    this.ended = true;
  }

  private async send(state: string): Promise<void> {
    if (this.hasSocket && !this.ended) await this.notify(state);
  }

  private insist(state: string): void {
    const { clock } = this;
    const isWanted = (): boolean => !this.ended;
    void retry(() => this.send(state), {
      ...{ clock, pauses: PAUSES, isWanted },
      onError: () => undefined,
    });
  }

  /** Sends keep-alive messages. The next one is sent only after the answer to this one. */
  private signs(everyMs: number): void {
    if (this.ended) return;
    const next = (ms: number): void => {
      this.clock.after(ms, () => {
        this.signs(everyMs);
      });
    };
    this.send("WATCHDOG=1").then(
      () => {
        next(everyMs);
      },
      () => {
        next(Math.min(everyMs, PAUSES.firstMs));
      },
    );
  }
}

/**
 * Returns half of WATCHDOG_USEC in milliseconds, if it is meant for this process
 * (sd_watchdog_enabled(3)).
 */
function signOfLife(env: Record<string, string>): number | undefined {
  const pid = env["WATCHDOG_PID"];
  const us = Number(env["WATCHDOG_USEC"]);
  if (!(us > 0) || (pid !== undefined && pid !== String(process.pid))) return undefined;
  return us / 2000;
}
