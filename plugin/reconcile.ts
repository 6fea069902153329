/**
 * The reconciler of one cluster. It folds events into the cluster's state, makes a plan from the
 * state, carries out the plan's actions and records them as events. No other code makes decisions.
 *
 * Promises: only one plan is made at a time; an action is not started while the same one is
 * running; an action that fails is repeated with growing pauses.
 */
import {
  foldJobEvent,
  foldRecordEvent,
  forgetRunning,
  reopenTeardown,
  type JobEvent,
} from "../lib/cluster/fold.js";
import { excludedWorkers } from "../lib/cluster/failures.js";
import { keptBy } from "../lib/cluster/holds.js";
import { plan } from "../lib/cluster/plan.js";
import { skippedSteps } from "../lib/cluster/skipped.js";
import { type Action } from "../lib/cluster/action.js";
import { ATTEMPTS, planContext, type Limits } from "../lib/cluster/retry.js";
import { milestones } from "../lib/cluster/milestones.js";
import { displayState, isDone, ranksOf, type Cluster } from "../lib/cluster/state.js";
import { messageOf } from "../lib/errors.js";
import { formatFsd } from "../lib/flux/fsd.js";
import { Backoff } from "../lib/host/backoff.js";
import { parseEventlog, type RecordEvent } from "../lib/record/events.js";
import { siteOf, type ClusterSettings } from "../lib/record/setting.js";
import { recordKey, RecordWriter, type Operation, type StepEvent } from "../lib/record/writer.js";
import type { Site } from "../lib/node/environment.js";
import { INSTANCE, nameOf } from "../lib/usernetes/names.js";
import { ACTIONS } from "./actions.js";
import { StepLog, type StepEnded } from "./step-log.js";
import type { Job } from "./job.js";
import { readEventlog } from "./release-hold.js";
import { ClusterSession } from "./session.js";
import { traceEffects } from "./tracing.js";
import type { World } from "./world.js";
import type { LogFields, Level } from "../lib/log.js";

const PAUSES = { firstMs: 500, maxMs: 30_000 };
/**
 * Milliseconds for which the end of a worker's step waits for the ends on other ranks, so that one
 * plan covers them.
 */
const GATHER_MS = 10;

export class Reconciler implements Job {
  readonly name: string;
  readonly world: World;
  readonly leaving = new AbortController();
  readonly session: ClusterSession;
  private readonly ends: StepLog;
  private readonly writer: RecordWriter;
  private readonly busy = new Set<string>();
  /** The pauses of failed actions, by the key of the action. */
  private readonly retries = new Map<string, Backoff>();
  private shown: string | undefined;
  /** The names of the milestones that were logged. */
  private readonly logged = new Set<string>();
  private cancelWake: (() => void) | undefined;
  private cancelGather: (() => void) | undefined;
  private planned = false;
  private readonly limits: Omit<Limits, "skipped" | "lost" | "tornDown">;
  private readonly stopWatching: () => void;
  /** Whether the metric of what kept the nodes was counted. */
  private endCounted = false;

  constructor(
    readonly cluster: Cluster,
    world: World,
    private readonly onDone: () => void,
    /** Called when the cluster's state may have changed. */
    private readonly onChange: () => void = () => undefined,
  ) {
    this.name = nameOf(cluster.jobid);
    this.world = traceEffects(world, (text, fields) => {
      this.say("trace", text, fields);
    });
    this.session = new ClusterSession(cluster.jobid, this.world, this.leaving.signal);
    this.ends = new StepLog(cluster, world.clock, (level, text, fields) => {
      this.say(level, text, fields);
    });
    const { config } = world;
    const setting = world.open.get(cluster.jobid)?.setting;
    this.limits = {
      attempts: { ...ATTEMPTS, ...config.attempts },
      joinFanout: config.joinFanout,
      bringUpText: formatFsd(config.bringUpTimeoutMs),
      bringUpS: config.bringUpTimeoutMs / 1000,
      teardownS: setting?.teardownTimeout ?? config.teardownTimeoutMs / 1000,
      extendTimeLimit: config.extendTimeLimit,
      extendFirst: config.hold === "perilog",
    };
    this.stopWatching = world.nodes.onChange(() => {
      this.kick();
    });
    this.writer = new RecordWriter(
      cluster.jobid,
      {
        commit: (operations) => this.world.flux.commit(operations),
        lookup: (key) => this.world.flux.lookup(key),
        mayBePurged: () => cluster.job.clean,
      },
      {
        now: () => world.clock.now() * 1000,
        after: (ms, callback) => world.clock.after(ms, callback),
      },
    );
  }

  /**
   * Reads the history: the job's eventlog and the record of earlier daemons. The eventlog is read
   * as a whole, because the follow delivers it in pieces and a plan must not be made from a part of
   * it. Returns the number of lines of the job's eventlog.
   */
  async load(): Promise<number> {
    const { cluster, world } = this;
    const [{ events, lines }, record] = await Promise.all([
      readEventlog(cluster.jobid, world.flux),
      world.flux.lookup(recordKey(cluster.jobid)),
    ]);
    if (lines.length === 0 && cluster.jobid !== INSTANCE) this.writer.onlyEntry();
    for (const event of events) foldJobEvent(cluster, event);
    for (const event of parseEventlog<RecordEvent>(record ?? "")) {
      foldRecordEvent(cluster, event);
      if (event.name === "step-finish") this.writer.takeUp([event.context.step]);
    }
    this.endCounted = cluster.job.clean && cluster.down !== undefined;
    // If the cluster has a claim, an earlier daemon has counted the hold.
    if (!cluster.claim && !cluster.job.clean) this.countHold(undefined);
    forgetRunning(cluster);
    // An earlier daemon has logged the earlier milestones.
    if (cluster.claim) {
      for (const [name] of milestones(cluster)) this.logged.add(name);
      const level = cluster.jobid === INSTANCE ? "debug" : "info";
      this.say(level, `resuming (state: ${displayState(cluster) ?? "down"})`);
    }
    this.say("trace", `resumed from: ${events.map(({ name }) => name).join(" ")}`);
    return lines.length;
  }

  get site(): Site {
    const { world, cluster } = this;
    return siteOf(world.site, world.open.get(cluster.jobid)?.setting ?? this.foundSetting);
  }

  /** What the nodes report that the cluster was made with: it has no entry any more. */
  foundSetting: ClusterSettings | undefined;

  /** Seconds that one try of a node's teardown may take. */
  get teardownS(): number {
    return this.limits.teardownS;
  }

  hasFailed(action: Action["do"]): boolean {
    return this.retries.has(action);
  }

  onJobEvent(event: JobEvent): void {
    this.say("trace", `event ${event.name}`, { event: event.name });
    const { startAt } = this.cluster.job;
    foldJobEvent(this.cluster, event);
    this.countHold(startAt);
    this.kick();
  }

  /**
   * Counts the hold of a job that has just started. `before`: the known time of the start before
   * the last event. A site's prolog is not counted.
   */
  private countHold(before: number | undefined): void {
    const { startAt, prolog } = this.cluster.job;
    if (startAt === undefined || before !== undefined || this.world.config.hold !== "events")
      return;
    this.world.meter?.hold(prolog === "finished");
  }

  /** Counts what kept the nodes of a job that is over. A site's epilog is not counted. */
  private countEndHold(): void {
    const by = this.world.config.hold === "events" ? keptBy(this.cluster) : undefined;
    if (by && !this.endCounted) this.world.meter?.endHold(by);
    this.endCounted = true;
  }

  excludedWorkers(): number[] {
    return excludedWorkers(this.cluster, planContext(this.limitsNow(), this.world.clock.now()));
  }

  /** Tears down the ranks again that an earlier teardown could not reach or clean. */
  reopen(left: number[]): void {
    reopenTeardown(this.cluster, left);
    this.kick();
  }

  /** Stops the reconciler, because the daemon leaves. */
  leave(): void {
    this.stopWatching();
    this.cancelWake?.();
    this.cancelGather?.();
    this.ends.flush();
    this.leaving.abort();
  }

  say(level: Level, text: string, fields: LogFields = {}): void {
    if (level !== "trace") this.ends.flush();
    this.world.say(level, `${this.name}: ${text}`, { job: this.name, ...fields });
  }

  /**
   * Logs the end of a step on a rank. The trace has a line for each rank, the log one for each
   * group of ranks.
   */
  logStepEnd(end: StepEnded, more: boolean): void {
    this.say("trace", `${end.step}: rank ${end.rank}: ${end.status}`);
    this.ends.add(end, more);
  }

  /**
   * Records a step event, with the last `lines` that its rank printed. It is written when no more
   * ranks are about to report the same, or after a short time.
   */
  step(event: StepEvent, more: boolean, lines: readonly string[] = []): void {
    if (this.leaving.signal.aborted) return;
    foldRecordEvent(this.cluster, event);
    this.writer.step(event, more, lines);
    // A plan checks all ranks, so one plan for each end would take time proportional to the square
    // of the number of ranks.
    const { claim } = this.cluster;
    const gathers = more && event.context.ranks !== String(claim?.lead);
    if (gathers)
      this.cancelGather ??= this.world.clock.after(GATHER_MS, () => {
        this.kick();
      });
    else this.kick();
  }

  async record(event: RecordEvent, entry: Operation[] = []): Promise<void> {
    await this.writer.write([event], entry);
    foldRecordEvent(this.cluster, event);
    this.kick();
  }

  commit(operations: Operation[]): Promise<void> {
    return this.writer.write([], operations);
  }

  /** Plans again when the current events have been folded. */
  kick(): void {
    if (this.planned || this.leaving.signal.aborted) return;
    this.planned = true;
    setImmediate(() => {
      this.planned = false;
      if (!this.leaving.signal.aborted) this.pursue();
    });
  }

  private pursue(): void {
    this.cancelWake?.();
    this.cancelGather?.();
    this.cancelWake = this.cancelGather = undefined;
    this.show();
    this.logMilestones();
    this.onChange();
    if (isDone(this.cluster)) {
      this.stopWatching();
      this.countEndHold();
      this.onDone();
      return;
    }
    if (this.cluster.job.clean) this.world.open.setReleased(this.cluster.jobid);
    const now = this.world.clock.now();
    // A change of the membership starts another plan.
    if (this.world.nodes.mayStillCome(ranksOf(this.cluster), now)) return;
    const { actions, wakeAt } = plan(this.cluster, this.limitsNow(), now);
    for (const action of actions) this.begin(action);
    if (wakeAt !== undefined && !this.leaving.signal.aborted)
      this.cancelWake = this.world.clock.after((wakeAt - now) * 1000 + 1, () => {
        this.kick();
      });
  }

  /** The limits, with the current state of the nodes. */
  private limitsNow(): Limits {
    const { nodes, open } = this.world;
    const lost = new Set(ranksOf(this.cluster).filter((rank) => nodes.isLost(rank)));
    const tornDown = open.tornDownOn(this.cluster.resources?.hosts ?? []);
    return { ...this.limits, skipped: skippedSteps(this.site.options), lost, tornDown };
  }

  private begin(action: Action): void {
    const key = keyOf(action);
    if (this.busy.has(key)) return;
    this.busy.add(key);
    ACTIONS[action.do](this, action as never).then(
      (confirmed) => {
        this.retries.delete(key);
        // An action that an event of the job confirms is not repeated before that event.
        if (confirmed !== "once") this.busy.delete(key);
        this.kick();
      },
      (error: unknown) => {
        this.retryLater(key, action.do, error);
      },
    );
  }

  private retryLater(key: string, what: string, error: unknown): void {
    if (this.leaving.signal.aborted) return;
    const backoff = this.retries.get(key) ?? new Backoff(this.world.clock, PAUSES);
    this.retries.set(key, backoff);
    const pauseMs = backoff.again(() => {
      this.busy.delete(key);
      this.kick();
    });
    this.say("warn", `${what}: ${messageOf(error)}; again in ${formatFsd(pauseMs)}`);
  }

  /** Logs the milestones that were reached since the last call. */
  private logMilestones(): void {
    for (const [name, text] of milestones(this.cluster)) {
      if (this.logged.has(name)) continue;
      this.logged.add(name);
      this.say("info", text);
    }
  }

  /** Posts the memo usernetes.state, for display only. Best effort. */
  private show(): void {
    const state = displayState(this.cluster);
    if (state === this.shown || this.cluster.job.clean) return;
    this.shown = state;
    if (state === undefined) return;
    this.world.flux.memo(this.cluster.jobid, { usernetes: { state } }).catch(() => undefined);
  }
}

function keyOf(action: Action): string {
  if (action.do === "call") return `${action.steps.join()} ${action.ranks.join()}`;
  if (action.do === "extend") return `extend ${action.phase}`;
  return action.do === "local" ? action.step : action.do;
}
