/**
 * The interface of one job's cluster for the actions of its plan (plugin/actions.ts): its state,
 * its effects, its record and its log. plugin/reconcile.ts implements it.
 */
import type { Action } from "../lib/cluster/action.js";
import type { Cluster } from "../lib/cluster/state.js";
import type { Site } from "../lib/node/environment.js";
import type { RecordEvent } from "../lib/record/events.js";
import type { Operation, StepEvent } from "../lib/record/writer.js";
import type { ClusterSession } from "./session.js";
import type { StepEnded } from "./step-log.js";
import type { World } from "./world.js";
import type { LogFields, Level } from "../lib/log.js";

export interface Job {
  /** The job's ID in F58, or `instance`. */
  readonly name: string;
  readonly cluster: Cluster;
  /** The effects of actions. Each is logged at `trace`. */
  readonly world: World;
  /** The sessions over which the cluster's steps run. */
  readonly session: ClusterSession;
  /** Aborted when the daemon leaves: clusters stay as they are. */
  readonly leaving: AbortController;
  /** The site's settings for the steps, as they were when the cluster was claimed. */
  readonly site: Site;
  /** Seconds that one try of a node's teardown may take. */
  readonly teardownS: number;
  /** Ranks without which the cluster continues. */
  excludedWorkers(): number[];
  /** Whether the action has failed before, so that its result is unknown. */
  hasFailed(action: Action["do"]): boolean;
  say(level: Level, text: string, fields?: LogFields): void;
  /** Logs that a step has ended on a rank. `more`: other ranks are about to report the same. */
  logStepEnd(end: StepEnded, more: boolean): void;
  /** Records a step event, with the last `lines` that its rank printed. */
  step(event: StepEvent, more: boolean, lines?: readonly string[]): void;
  /** Records an event. It becomes part of the state when it is written, not before. */
  record(event: RecordEvent, entry?: Operation[]): Promise<void>;
  /** Commits operations in one transaction with the step events that are not written yet. */
  commit(operations: Operation[]): Promise<void>;
}
