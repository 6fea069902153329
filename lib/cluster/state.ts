/**
 * The state of one cluster. It is folded from the job's eventlog and from its record only, so that
 * a fresh start, a restart and a test get the same state.
 */
import type { Resources } from "../flux/resources.js";
import { encodeHostlist } from "../flux/hostlist.js";
import { decodeIdset, encodeIdset } from "../flux/idset.js";
import type { Claim, Down, Fault, Settle, StepStatus } from "../record/events.js";
import type { Parsed, ScheduleOnLead } from "./request.js";
import { STEPS, type Step } from "./steps.js";

/**
 * A prolog or epilog of the daemon. `counted`: Flux waits for its finish. `late`: its start came
 * after the job's start. It must not be finished in CLEANUP, where Flux would count the finish
 * against another prolog or epilog.
 */
export type Perilog = "none" | "counted" | "late" | "finished";

export interface JobProgress {
  allocAt?: number;
  startAt?: number;
  finishAt?: number;
  /** When the last shell has ended; Flux counts prologs again after that. */
  releaseAt?: number;
  /** The first exception of severity 0. */
  fatal?: { at: number; type: string; note: string };
  /** When Flux released the job's nodes. */
  freeAt?: number;
  /** Whether the job is inactive. */
  clean: boolean;
  prolog: Perilog;
  epilog: Perilog;
  /** Unfinished prologs of other programs, by their descriptions. */
  otherPrologs: Set<string>;
  /** When the memo usernetes.release=true was posted. */
  releasedAt?: number;
  /** The reason why the job waits before its claim, from the daemon's memo; for display only. */
  waitsFor?: string;
  /**
   * When all tasks had ended and the job's shell posted its memo usernetes.tasks=done; the shell
   * then waits for the teardown.
   */
  tasksDoneAt?: number;
  /** Changes of the time limit, by the job's user and by the daemon, in order. */
  limits: TimeLimit[];
}

export interface TimeLimit {
  at: number;
  /** Seconds; 0: no limit. */
  seconds: number;
  /** Flux refused this change. */
  refused?: true;
}

/** The state of one step on one rank. */
export interface StepState {
  status: StepStatus | "running";
  attempt: number;
  /** When the step started or ended, in seconds since the epoch. */
  at: number;
  /** The reason if the status is not ok, or the reason to wait while the step runs. */
  note: string;
  fault?: Fault;
  /** The node shares the work directory with the lead. */
  shared?: true;
}

export interface Cluster {
  readonly jobid: bigint;
  readonly userid: number;
  readonly asked: Parsed;
  /** Seconds; 0: no limit. */
  readonly duration: number;
  job: JobProgress;
  /**
   * The job's nodes. They are known only some time after `alloc`, because R is not in the eventlog.
   */
  resources?: Resources;
  claim?: Claim;
  steps: Map<Step, Map<number, StepState>>;
  settle?: Settle;
  settledAt?: number;
  /** `timeout`: seconds that each try may take on a rank. */
  teardown?: { reason: string; timeout?: number; hook?: number };
  down?: Down;
  /**
   * The end of the job's own teardown. A later `down` comes from `clean`, or from a node that is
   * back.
   */
  firstDown?: { at: number; kept: boolean };
}

export function newCluster(job: Pick<Cluster, "jobid" | "userid" | "asked" | "duration">): Cluster {
  return {
    ...job,
    job: {
      clean: false,
      prolog: "none",
      epilog: "none",
      otherPrologs: new Set(),
      limits: [],
    },
    steps: new Map(STEPS.map((step) => [step, new Map<number, StepState>()])),
  };
}

export function stepState(cluster: Cluster, step: Step, rank: number): StepState | undefined {
  return cluster.steps.get(step)?.get(rank);
}

export function ranksOf({ claim }: Cluster): readonly number[] {
  return claim ? placesOf(claim).ranks : [];
}

/** `node[1-2]` */
export function hostNames({ claim }: Cluster, ranks: readonly number[]): string {
  const place = claim && placesOf(claim).place;
  return encodeHostlist(ranks.map((rank) => claim?.hosts[place?.get(rank) ?? -1] ?? "?"));
}

/** Returns `node[1-2] (rank 1-2)`. */
export function names(cluster: Cluster, ranks: readonly number[]): string {
  return `${hostNames(cluster, ranks)} (rank ${encodeIdset(ranks)})`;
}

/** Returns `node1 (rank 1)`. */
export const hostOf = (cluster: Cluster, rank: number): string => names(cluster, [rank]);

interface Places {
  ranks: readonly number[];
  /** The index of each rank in `ranks`. */
  place: ReadonlyMap<number, number>;
}

/** A cache, because a plan needs the ranks many times, and the host of each rank for each step. */
const PLACES = new WeakMap<Claim, Places>();

function placesOf(claim: Claim): Places {
  const known = PLACES.get(claim);
  if (known) return known;
  const ranks = decodeIdset(claim.ranks);
  const places = { ranks, place: new Map(ranks.map((rank, i) => [rank, i])) };
  PLACES.set(claim, places);
  return places;
}

/** Whether the job has ended or will not run, so that Flux takes its nodes back. */
export function isOver({ job }: Cluster): boolean {
  return job.clean || job.finishAt !== undefined || job.fatal !== undefined;
}

/** Whether the cluster must be removed: the job is over, or its shell waits for the teardown. */
export function isEnding(cluster: Cluster): boolean {
  return isOver(cluster) || cluster.job.tasksDoneAt !== undefined;
}

/** Whether no further action is needed. */
export function isDone(cluster: Cluster): boolean {
  return cluster.job.clean && (!cluster.claim || cluster.down !== undefined);
}

/** The memo usernetes.state, for display only. */
export function displayState(cluster: Cluster): string | undefined {
  if (cluster.down || !cluster.claim) return undefined;
  if (isEnding(cluster)) return "stopping";
  if (!cluster.settle) return "starting";
  return isHeld(cluster) ? "held" : cluster.settle.outcome;
}

/**
 * Whether the user requested debugging: the job is held after the bring-up, and the cluster is
 * kept.
 */
export function isDebug({ asked }: Cluster): boolean {
  return "asks" in asked && asked.asks && asked.request.debug;
}

/** The value that the job requests; undefined if it requests none. */
export function scheduleOnLead({ asked }: Cluster): ScheduleOnLead | undefined {
  return "asks" in asked && asked.asks ? asked.request.scheduleOnLead : undefined;
}

/**
 * Whether the job is held for debugging: its bring-up has settled, and the job was not released.
 */
export function isHeld(cluster: Cluster): boolean {
  return isDebug(cluster) && cluster.settle !== undefined && cluster.job.releasedAt === undefined;
}
