/**
 * The daemon: creates and connects all its parts.
 *
 * Promises: the daemon starts only on rank 0 of an instance that the caller owns and that has no
 * other daemon; SIGTERM and SIGINT end it without an effect on clusters; it ends by itself only
 * when the instance is lost or refuses it (CommandError).
 */
import { loadFile, loadFromBroker, type Loaded } from "../lib/config/load.js";
import { CommandError, EXIT, messageOf } from "../lib/errors.js";
import { noInstanceError } from "../lib/flux/no-instance.js";
import { retry } from "../lib/host/backoff.js";
import { systemClock } from "../lib/host/clock.js";
import { localEnvironment, nodeEnvironment } from "../lib/host/environment.js";
import type { Run } from "../lib/host/command.js";
import { project, workdir } from "../lib/usernetes/names.js";
import type { State } from "../lib/view/summary.js";
import type { Ready } from "./bridge-messages.js";
import { Bridge } from "./bridge.js";
import { clusterCounts } from "./metrics/cluster-counts.js";
import { Composition } from "./composition.js";
import { instanceId } from "./instance-id.js";
import { createLog, logLine, logToFlux, type Log } from "./log.js";
import { MetricsSwitch } from "./metrics/switch.js";
import { ServiceManager } from "./service-manager.js";
import { answerCall } from "./service.js";
import { Supervisor } from "./supervisor.js";
import { undrainCleaned } from "./drain.js";
import type { World } from "./world.js";
import type { LogFields, Level } from "../lib/log.js";

export interface DaemonOptions {
  /** The TOML file to read the table from, instead of the broker. */
  configFile?: string;
  /** Names of further variables that the steps on the nodes get. */
  passEnv: string[];
}

const PAUSES = { firstMs: 1_000, maxMs: 10_000 };

export async function runDaemon(run: Run, options: DaemonOptions): Promise<void> {
  const env = localEnvironment();
  const load = (): Promise<Loaded> =>
    options.configFile === undefined ? loadFromBroker(run, env) : loadFile(options.configFile);
  const { config } = await load();
  const log = await createLog();
  await new Daemon({ run, env, log, load, config, base: nodeEnvironment(options.passEnv) }).run();
}

interface Parts {
  run: Run;
  env: Record<string, string>;
  base: Record<string, string>;
  log: Log;
  load: () => Promise<Loaded>;
  config: Loaded["config"];
}

class Daemon {
  private readonly bridge: Bridge;
  private readonly supervisor: Supervisor;
  private readonly manager: ServiceManager;
  private readonly metrics: MetricsSwitch;
  private readonly composition: Composition;
  private config: Loaded["config"];
  private ready: Ready | undefined;
  private instance = "";
  private wasReady = false;
  /** Number of bridges that have become ready. Each one reports all active jobs again. */
  private bridges = 0;
  private ended = false;
  private end: (error?: CommandError) => void = () => undefined;

  constructor(private readonly parts: Parts) {
    this.config = parts.config;
    const args = parts.config.hold === "events" ? [] : ["--perilog"];
    this.bridge = new Bridge(
      { env: parts.env, args, log: parts.log },
      {
        onReady: (ready) => {
          this.connected(ready);
        },
        onJob: (job) => {
          this.supervisor.onJob(job);
        },
        onDue: (id) => {
          this.supervisor.onDue(id);
        },
        onInactive: (id) => {
          this.supervisor.onInactive(id);
        },
        onGone: (id) => {
          this.supervisor.onGone(id);
        },
        onOnline: (ranks) => {
          this.composition.nodes.set(ranks);
          this.supervisor.onOnline();
          if (this.wasReady)
            void this.composition.networks.networksOf(this.composition.nodes.all());
        },
        onSentinel: () => {
          void this.caughtUp();
        },
        onCall: (call) => answerCall(call, this.wasReady ? this.supervisor.leftovers : undefined),
        onRefused: (reason, error) => {
          this.end(refusal(reason, error, this.wasReady));
        },
      },
    );
    const { run, base } = parts;
    this.composition = new Composition({ run, base, say: this.say.bind(this) });
    this.supervisor = new Supervisor(() => this.world(), this.bridge, parts.env);
    const notify = (state: string): Promise<void> => this.bridge.notify(state);
    this.manager = new ServiceManager(notify, systemClock, parts.env);
    const clusters = (): State[] => this.supervisor.states();
    this.metrics = new MetricsSwitch(
      clusterCounts(clusters, this.composition.open),
      (level, text) => {
        this.say(level, text);
      },
    );
  }

  async run(): Promise<void> {
    const ended = new Promise<CommandError | undefined>((resolve) => {
      this.end = resolve;
    });
    const leave = (): void => {
      this.end();
    };
    process.on("SIGTERM", leave);
    process.on("SIGINT", leave);
    process.on("SIGHUP", () => void this.reload());
    this.bridge.start();
    const error = await ended;
    this.ended = true;
    this.supervisor.leave();
    this.manager.stopping();
    if (!error) this.say("info", "stopping; clusters stay as they are");
    this.metrics.close();
    this.bridge.stop();
    if (error) throw error;
  }

  /**
   * Handles a bridge that is ready. The daemon ends if the instance was restarted, because the
   * state of jobs and brokers belongs to one run of the instance.
   */
  private connected(ready: Ready): void {
    const before = this.ready?.starttime ?? ready.starttime;
    if (before !== ready.starttime)
      this.end(refusal("flux", "the instance was restarted", this.wasReady));
    if (!this.ready) this.composition.nodes.startedAt(ready.starttime, systemClock);
    this.ready = ready;
    this.bridges++;
    if (this.bridges > 1) this.metrics.bridgeRestart();
    this.supervisor.onReady();
  }

  private async caughtUp(): Promise<void> {
    const bridge = this.bridges;
    await retry(() => this.readClusters(), {
      ...{ clock: systemClock, pauses: PAUSES },
      // A new bridge sends its own sentinel. Until then, some jobs are not known.
      isWanted: () => !this.ended && bridge === this.bridges,
      onError: (why) => {
        this.say("warn", `cannot read the state of clusters, retrying: ${why}`);
      },
    });
  }

  private async readClusters(): Promise<void> {
    this.instance = await instanceId(this.bridge);
    await this.metrics.apply(this.config.metricsListen);
    await this.supervisor.onSentinel();
    if (this.wasReady) return;
    this.wasReady = true;
    void this.composition.networks.networksOf(this.composition.nodes.all());
    void undrainCleaned(this.world());
    this.say("info", `ready: ${this.status()}`);
    this.manager.ready(this.status());
  }

  /** Reloads the configuration, which affects new jobs only. */
  private async reload(): Promise<void> {
    this.manager.reloading();
    try {
      this.config = (await this.parts.load()).config;
      await this.metrics.apply(this.config.metricsListen);
      this.reloaded("info", "configuration reloaded");
    } catch (error) {
      this.reloaded(
        "error",
        `reload failed, keeping the previous configuration: ${messageOf(error)}`,
      );
    }
  }

  private reloaded(level: Level, what: string): void {
    this.say(level, what);
    if (this.wasReady) this.manager.ready(`${this.status()}; ${what}`);
  }

  /** The status line for systemctl status. */
  private status(): string {
    const size = this.ready?.size ?? 0;
    return `${size} ranks, ${this.supervisor.known} jobs, template ${this.config.template}`;
  }

  private world(): World {
    const { config, instance, composition } = this;
    return composition.world({
      ...{ config, instance, owner: this.ready?.owner, flux: this.bridge, meter: this.metrics },
      names: (jobid) => ({ workdir: workdir(config.workdir, jobid), project: project(jobid) }),
    });
  }

  private say(level: Level, text: string, fields: LogFields = {}): void {
    this.parts.log[level](fields, logLine(text));
    logToFlux(this.bridge, level, text);
  }
}

function refusal(reason: string, error: string, wasReady: boolean): CommandError {
  switch (reason) {
    case "exists":
      return new CommandError(
        EXIT.otherDaemon,
        "another flux-usernetes daemon runs in this instance (the Flux service usernetes is taken); `flux ping usernetes` reaches it",
      );
    case "flux":
      return wasReady
        ? new CommandError(EXIT.noInstance, `the Flux instance is lost: ${error}`)
        : noInstanceError(error, "on rank 0 of one");
    default:
      return new CommandError(
        EXIT.failed,
        `${error}; run the daemon on rank 0 as the instance owner`,
      );
  }
}
