/**
 * The daemon's metrics for Prometheus. This file is loaded only if metrics-listen is set,
 * because prom-client takes memory. No label contains a job, a user or a host: their number
 * would grow without limit, and everybody may read the metrics.
 */
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { version } from "../../lib/cli/version.js";
import type { KeptBy } from "../../lib/cluster/holds.js";
import type { Step } from "../../lib/cluster/steps.js";
import type { Settle, StepStatus } from "../../lib/record/events.js";
import type { State } from "../../lib/view/summary.js";

/** Values that are queried at each scrape. */
export interface ClusterCounts {
  /** Number of clusters by state. */
  clusters: () => Map<State, number>;
  /** Number of nodes with leftovers of an ended job's cluster. */
  leftNodes: () => number;
}

/** Buckets in seconds, from a very short step to a whole bring-up-timeout. */
const BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600, 900];
const STATES: State[] = [
  ...["waiting", "starting", "ready", "failed", "held", "stopping", "kept", "left"],
] as State[];

export class Metrics implements Meter {
  private readonly registers = [new Registry()];
  private readonly steps = this.histogram("step_seconds", "How long a try of a step took", [
    ...["step", "outcome"],
  ]);
  private readonly bringUps = this.histogram(
    "bring_up_seconds",
    "From the job's nodes to the end of its bring-up, when the cluster is usable",
    ["outcome"],
  );
  private readonly nodesReadies = this.histogram(
    "nodes_ready_seconds",
    "From the job's nodes until all of them are Ready in its cluster",
    [],
  );
  private readonly settles = this.counter("settles_total", "Finished bring-ups", ["outcome"]);
  private readonly retries = this.counter(
    "step_retries_total",
    "Tries of a step after the first, counted per node",
    ["step"],
  );
  private readonly holds = this.counter(
    "holds_total",
    "Jobs that started, held until their cluster was ready (in_time) or not (late)",
    ["when"],
  );
  private readonly endHolds = this.counter(
    "end_holds_total",
    "Ended jobs, by what kept their nodes until their cluster was removed: their shell, an epilog, or nothing (late)",
    ["by"],
  );
  private readonly teardowns = this.counter(
    "teardowns_total",
    "Finished teardowns: clean, or with leftovers on a node",
    ["result"],
  );
  private readonly restarts = this.counter(
    "bridge_restarts_total",
    "Restarts of the bridge to Flux",
  );

  constructor(counted: ClusterCounts) {
    for (const when of ["in_time", "late"]) this.holds.inc({ when }, 0);
    for (const by of ["shell", "epilog", "late"]) this.endHolds.inc({ by }, 0);
    for (const outcome of ["ready", "failed", "canceled"]) this.settles.inc({ outcome }, 0);
    for (const result of ["clean", "left"]) this.teardowns.inc({ result }, 0);
    this.gauge("clusters", "Current clusters, by state", ["state"], (gauge) => {
      const clusters = counted.clusters();
      for (const state of STATES) gauge.set({ state }, clusters.get(state) ?? 0);
    });
    this.gauge("leftover_nodes", "Nodes with leftovers of a cluster", [], (gauge) => {
      gauge.set(counted.leftNodes());
    });
    const build = this.gauge("build_info", "The version that runs", ["version", "node"]);
    build.set({ version: version(), node: process.versions.node }, 1);
    this.process();
  }

  /** All metrics in Prometheus' text format. */
  text(): Promise<string> {
    return this.registers[0]?.metrics() ?? Promise.resolve("");
  }

  step({ step, status, seconds }: Parameters<Meter["step"]>[0]): void {
    this.steps.observe({ step, outcome: status }, seconds);
  }

  retry(step: string, ranks: number): void {
    this.retries.inc({ step }, ranks);
  }

  hold(inTime: boolean): void {
    this.holds.inc({ when: inTime ? "in_time" : "late" });
  }

  endHold(by: KeptBy): void {
    this.endHolds.inc({ by });
  }

  nodesReady(seconds: number): void {
    this.nodesReadies.observe(seconds);
  }

  settle(outcome: string, seconds: number | undefined): void {
    this.settles.inc({ outcome });
    if (seconds !== undefined) this.bringUps.observe({ outcome }, seconds);
  }

  teardown(left: number): void {
    this.teardowns.inc({ result: left > 0 ? "left" : "clean" });
  }

  bridgeRestart(): void {
    this.restarts.inc();
  }

  /** The usual metrics of a process. The set of prom-client has timers, which are avoided here. */
  private process(): void {
    const { registers } = this;
    const started = Date.now() / 1000 - process.uptime();
    const name = (rest: string) => ({ name: `process_${rest}`, registers });
    new Gauge({ ...name("start_time_seconds"), help: "When the daemon started" }).set(started);
    new Gauge({
      ...name("resident_memory_bytes"),
      help: "Memory of the daemon",
      collect() {
        this.set(process.memoryUsage.rss());
      },
    });
    new Counter({
      ...name("cpu_seconds_total"),
      help: "CPU time of the daemon",
      collect() {
        const { user, system } = process.cpuUsage();
        this.reset();
        this.inc((user + system) / 1e6);
      },
    });
  }

  private histogram(name: string, help: string, labelNames: string[]): Histogram {
    const { registers } = this;
    return new Histogram({
      name: `usernetes_${name}`,
      help,
      labelNames,
      buckets: BUCKETS,
      registers,
    });
  }

  private counter(name: string, help: string, labelNames: string[] = []): Counter {
    const { registers } = this;
    return new Counter({ name: `usernetes_${name}`, help, labelNames, registers });
  }

  private gauge(
    name: string,
    help: string,
    labelNames: string[],
    collect: (gauge: Gauge) => void = () => undefined,
  ): Gauge {
    const { registers } = this;
    const gauge: Gauge = new Gauge({
      ...{ name: `usernetes_${name}`, help, labelNames, registers },
      collect: () => {
        collect(gauge);
      },
    });
    return gauge;
  }
}

export interface Meter {
  /** A try of a step has ended on one rank. */
  step(end: { step: Step; status: StepStatus; seconds: number }): void;
  /** A step is tried again on this number of ranks. */
  retry(step: Step, ranks: number): void;
  /** A job has started. `inTime`: it was held until its cluster was ready. */
  hold(inTime: boolean): void;
  /**
   * A job has ended and its cluster is removed. `by`: what kept the nodes until then, or `late` if
   * nothing did.
   */
  endHold(by: KeptBy): void;
  /** All nodes of a cluster are Ready, `seconds` after the job got its nodes. */
  nodesReady(seconds: number): void;
  /** A bring-up has settled. `seconds`: the time since the job got its nodes, if it is known. */
  settle(outcome: Settle["outcome"], seconds: number | undefined): void;
  /** A teardown has ended. `left`: the number of nodes with leftovers. */
  teardown(left: number): void;
  bridgeRestart(): void;
}
