/**
 * Collects metrics while metrics-listen is set. Without it, prom-client is not loaded.
 *
 * Promises: the daemon continues in spite of any error here; an address that cannot be used causes
 * one warning, and is tried again at the next reload. Counters continue when the address changes,
 * and are reset when the key is removed.
 */
import { formatListen, type Listen } from "../../lib/config/listen.js";
import { messageOf } from "../../lib/errors.js";
import type { Level } from "../../lib/log.js";
import type { ClusterCounts, Meter, Metrics } from "./metrics.js";
import type { MetricsServer } from "./server.js";

export class MetricsSwitch implements Meter {
  private metrics: Metrics | undefined;
  private server: MetricsServer | undefined;
  private at = "";
  /** The last change; changes are made one after the other. */
  private last: Promise<void> = Promise.resolve();

  constructor(
    private readonly counted: ClusterCounts,
    private readonly say: (level: Level, text: string) => void,
  ) {}

  /**
   * Serves the metrics on this address. Resolves when the server runs or could not be started.
   * Never rejects.
   */
  apply(listen: Listen | undefined): Promise<void> {
    this.last = this.last.then(() => this.change(listen));
    return this.last;
  }

  /** Closes the server, when the address changes or the daemon ends. */
  close(): void {
    this.server?.close();
    this.server = undefined;
    this.at = "";
  }

  private async change(listen: Listen | undefined): Promise<void> {
    const at = listen ? formatListen(listen) : "";
    if (this.server && at === this.at) return;
    this.close();
    if (!listen) {
      this.metrics = undefined;
      return;
    }
    try {
      const [{ Metrics }, { serveMetrics }] = await Promise.all([
        import("./metrics.js"),
        import("./server.js"),
      ]);
      const metrics = (this.metrics ??= new Metrics(this.counted));
      this.server = await serveMetrics(listen, () => metrics.text());
      this.at = at;
      this.say("info", `metrics: http://${at}/metrics`);
    } catch (error) {
      const why = messageOf(error);
      this.say(
        "warn",
        `metrics-listen: ${at}: ${why}; tried again at the next reload of the configuration`,
      );
    }
  }

  step(...args: Parameters<Meter["step"]>): void {
    this.metrics?.step(...args);
  }

  retry(...args: Parameters<Meter["retry"]>): void {
    this.metrics?.retry(...args);
  }

  hold(...args: Parameters<Meter["hold"]>): void {
    this.metrics?.hold(...args);
  }

  endHold(...args: Parameters<Meter["endHold"]>): void {
    this.metrics?.endHold(...args);
  }

  nodesReady(...args: Parameters<Meter["nodesReady"]>): void {
    this.metrics?.nodesReady(...args);
  }

  settle(...args: Parameters<Meter["settle"]>): void {
    this.metrics?.settle(...args);
  }

  teardown(...args: Parameters<Meter["teardown"]>): void {
    this.metrics?.teardown(...args);
  }

  bridgeRestart(): void {
    this.metrics?.bridgeRestart();
  }
}
