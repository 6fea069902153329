/**
 * One job's cluster as the actions of its plan see it (plugin/actions.ts): its state, the world,
 * and what is recorded and logged of it. plugin/reconcile.ts is the implementation.
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
  /** Its effects are logged at `trace`. */
  readonly world: World;
  /** The steps that run on its nodes. */
  readonly session: ClusterSession;
  /** Aborted when the daemon leaves: clusters stay as they are. */
  readonly leaving: AbortController;
  /** What its steps get, as it was when the cluster was made. */
  readonly site: Site;
  /** Seconds that one try of a node's teardown may take. */
  readonly teardownS: number;
  /** Ranks that the cluster continues without. */
  excludedWorkers(): number[];
  /** The action was tried, and its result is not known. */
  hasFailed(action: Action["do"]): boolean;
  say(level: Level, text: string, fields?: LogFields): void;
  /** Logs that a step has ended on a rank; `more` ranks are about to report the same. */
  logStepEnd(end: StepEnded, more: boolean): void;
  /** Records a step event, with the last `lines` that its rank printed. */
  step(event: StepEvent, more: boolean, lines?: readonly string[]): void;
  /** Records an event: it is part of the state when it is written, not before. */
  record(event: RecordEvent, entry?: Operation[]): Promise<void>;
}
