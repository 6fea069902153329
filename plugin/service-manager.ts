/**
 * Notifications to systemd if the daemon runs as a unit (sd_notify(3)): that
 * it is ready, reloads and stops, and a sign of life at half of WatchdogSec. The
 * bridge sends it, since Node.js has no datagrams on Unix sockets; so a sign of
 * life is a round trip through the bridge, and one that hangs is missed too.
 *
 * Promises: nothing happens where NOTIFY_SOCKET is not set; `ready` arrives even
 * if the bridge is just started again, the rest is best effort.
 */
import { retry } from "../lib/host/backoff.js";
import type { Clock } from "../lib/host/clock.js";

/** Sends it; rejects if there is no bridge now. */
export type Notify = (state: string) => Promise<void>;

const PAUSES = { firstMs: 1_000, maxMs: 1_000 };

export class ServiceManager {
  private readonly hasSocket: boolean;
  /** How often a sign of life is sent; undefined: never. */
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

  /** At the first start, and when a reload is over. `status` is what systemctl shows. */
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

  /** The next sign only follows the answer to this one. */
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

/** Half of WATCHDOG_USEC, if it is meant for this process (sd_watchdog_enabled(3)). */
function signOfLife(env: Record<string, string>): number | undefined {
  const pid = env["WATCHDOG_PID"];
  const us = Number(env["WATCHDOG_USEC"]);
  if (!(us > 0) || (pid !== undefined && pid !== String(process.pid))) return undefined;
  return us / 2000;
}
