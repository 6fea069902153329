/**
 * The cluster of the whole instance, for `flux usernetes up` and `down`. State, plan, steps and
 * record are the same as for a job's cluster, but the command runs in the foreground and needs no
 * daemon. The command supplies the events of a job: the cluster has its nodes; it is no longer
 * wanted.
 *
 * Promises: only one command runs at a time in an instance (its bridge has a service name); the
 * next command resumes a killed one; a bring-up that fails is torn down.
 */
import { foldJobEvent } from "../lib/cluster/fold.js";
import type { Parsed } from "../lib/cluster/request.js";
import { newCluster, ranksOf, type Cluster } from "../lib/cluster/state.js";
import type { Config } from "../lib/config/check.js";
import { CommandError, EXIT } from "../lib/errors.js";
import { encodeIdset } from "../lib/flux/idset.js";
import { noInstanceError } from "../lib/flux/no-instance.js";
import type { Resources } from "../lib/flux/resources.js";
import { systemClock } from "../lib/host/clock.js";
import type { Run } from "../lib/host/command.js";
import { logsKey } from "../lib/record/step-logs.js";
import { recordKey, type OpenCluster } from "../lib/record/writer.js";
import { INSTANCE } from "../lib/usernetes/names.js";
import type { Ready } from "./bridge-messages.js";
import { Bridge } from "./bridge.js";
import { readEntries } from "./open-cluster-store.js";
import { instanceId } from "./instance-id.js";
import { logLine, logToFlux } from "./log.js";
import { Composition } from "./composition.js";
import { Reconciler } from "./reconcile.js";
import type { World } from "./world.js";

export interface InstanceParts {
  run: Run;
  env: Record<string, string>;
  /** The environment that every node gets. */
  base: Record<string, string>;
  config: Config;
  names: World["names"];
  say: World["say"];
}

/** The cluster at the end. Its `settle` and `down` have the result. */
export type Ended = Cluster;

const ASKED: Parsed = {
  asks: true,
  request: {
    engine: undefined,
    debug: false,
    tolerate: 0,
    scheduleOnLead: undefined,
    template: undefined,
  },
};

export class InstanceCluster {
  private readonly bridge: Bridge;
  private readonly composition: Composition;
  private ready: Ready | undefined;
  private instance = "";
  private reconciler: Reconciler | undefined;
  private connected: () => void = () => undefined;
  private refused: (error: CommandError) => void = () => undefined;
  private settled: (cluster: Cluster) => void = () => undefined;

  constructor(private readonly parts: InstanceParts) {
    const { env } = parts;
    const nothing = (): void => undefined;
    const say: World["say"] = (level, text, fields) => {
      parts.say(level, logLine(text), fields);
      logToFlux(this.bridge, level, text);
    };
    this.composition = new Composition({ run: parts.run, base: parts.base, say });
    this.bridge = new Bridge(
      {
        env,
        args: ["--instance"],
        log: {
          warn: (text) => {
            parts.say("warn", text);
          },
        },
      },
      {
        onReady: (ready) => {
          this.ready = ready;
        },
        onOnline: (ranks) => {
          this.composition.nodes.set(ranks);
          this.connected();
        },
        onRefused: (reason, error) => {
          this.refused(refusal(reason, error));
        },
        onCall: () => Promise.resolve(null),
        onJob: nothing,
        onDue: nothing,
        onInactive: nothing,
        onGone: nothing,
        onSentinel: nothing,
      },
    );
  }

  /**
   * Starts the bridge and reads the entries. Throws a CommandError if no instance answers, if this
   * is not rank 0 or not the owner, or if another command runs.
   */
  async connect(): Promise<void> {
    const up = new Promise<void>((resolve, reject) => {
      this.connected = resolve;
      this.refused = reject;
    });
    this.bridge.start();
    await up;
    this.instance = await instanceId(this.bridge);
    for (const entry of await readEntries(this.bridge, this.parts.say))
      this.composition.open.add(entry);
  }

  get entry(): OpenCluster | undefined {
    return this.composition.open.get(INSTANCE);
  }

  /** Returns those of the ranks whose brokers are down. */
  lost(ranks: number[]): number[] {
    return ranks.filter((rank) => this.composition.nodes.isLost(rank));
  }

  /**
   * Brings up the cluster. Resolves when the cluster is ready, or has failed and been torn down.
   */
  async up(resources: Resources): Promise<Ended> {
    // The record of an earlier cluster must not be read as that of the new one.
    if (!this.entry) {
      const keys = [recordKey(INSTANCE), logsKey(INSTANCE)];
      await this.bridge.commit(keys.map((key) => ["unlink", key]));
    }
    const cluster = this.newCluster();
    const ended = this.follow(cluster, ({ settle }) => settle?.outcome === "ready");
    await this.reconciler?.load();
    const known = encodeIdset(ranksOf(cluster));
    const asked = encodeIdset(resources.ranks);
    if (cluster.claim && known !== asked)
      throw new CommandError(
        EXIT.failed,
        `this instance already has a cluster on ranks ${known}, not on ${asked}: run flux usernetes down first`,
      );
    if (cluster.teardown)
      throw new CommandError(
        EXIT.failed,
        `the previous cluster was not fully removed: run flux usernetes down first`,
      );
    cluster.resources = resources;
    cluster.job.allocAt = systemClock.now();
    this.reconciler?.kick();
    return ended;
  }

  /** Tears down the cluster. Resolves when everything that can be removed has been removed. */
  async down({ claim, left }: OpenCluster): Promise<Ended> {
    const cluster = this.newCluster();
    const ended = this.follow(cluster, () => false);
    await this.reconciler?.load();
    cluster.claim ??= claim;
    foldJobEvent(cluster, { timestamp: systemClock.now(), name: "clean" });
    if (cluster.down) this.reconciler?.reopen(left ?? []);
    this.reconciler?.kick();
    return ended;
  }

  /** Tears down a cluster that has failed or is no longer wanted, like that of a canceled job. */
  cancel(type: string, note: string): void {
    const timestamp = systemClock.now();
    const context = { severity: 0, type, note };
    this.reconciler?.onJobEvent({ timestamp, name: "exception", context });
    this.reconciler?.onJobEvent({ timestamp, name: "clean" });
  }

  /** Ends the work of this command. The cluster stays as it is. */
  leave(): void {
    this.reconciler?.leave();
    this.bridge.stop();
  }

  private newCluster(): Cluster {
    const userid = this.ready?.owner ?? 0;
    return newCluster({ jobid: INSTANCE, userid, asked: ASKED, duration: 0 });
  }

  private follow(cluster: Cluster, isEnd: (cluster: Cluster) => boolean): Promise<Ended> {
    return new Promise((resolve, reject) => {
      this.refused = reject;
      this.settled = resolve;
      const done = (): void => {
        this.settled(cluster);
      };
      this.reconciler = new Reconciler(cluster, this.world(), done, () => {
        if (isEnd(cluster)) done();
      });
    });
  }

  private world(): World {
    const { config, names } = this.parts;
    const { bridge, instance, composition } = this;
    const nothing = (): Promise<void> => Promise.resolve();
    return composition.world({
      ...{ config, names, instance, owner: this.ready?.owner },
      flux: {
        ...{ post: nothing, memo: nothing, update: nothing, expire: nothing },
        raise: (_, note) => {
          this.cancel("usernetes", note);
          return Promise.resolve();
        },
        commit: (operations) => bridge.commit(operations),
        lookup: (key) => bridge.lookup(key),
        drain: (ranks, reason) => bridge.drain(ranks, reason),
        drained: () => bridge.drained(),
        undrain: (ranks, reason) => bridge.undrain(ranks, reason),
      },
    });
  }
}

function refusal(reason: string, error: string): CommandError {
  switch (reason) {
    case "exists":
      return new CommandError(
        EXIT.failed,
        "another flux usernetes up or down is already running in this instance: wait for it to finish",
      );
    case "flux":
      return noInstanceError(error, "in one");
    default:
      return new CommandError(
        EXIT.failed,
        `${error.replace("the daemon runs on", "this must run on")}; as the instance owner`,
      );
  }
}
