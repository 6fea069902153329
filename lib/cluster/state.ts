/**
 * The state of one cluster: folded from the job's eventlog and from its record, and from
 * nothing else. A fresh start, a restart and a test get the same state.
 */
import type { Resources } from "../flux/resources.js";
import { encodeHostlist } from "../flux/hostlist.js";
import { decodeIdset, encodeIdset } from "../flux/idset.js";
import type { Claim, Down, Fault, Settle, StepStatus } from "../record/events.js";
import type { Parsed, ScheduleOnLead } from "./request.js";
import { STEPS, type Step } from "./steps.js";

/**
 * A prolog or epilog of the daemon. `counted`: Flux waits for its finish. `late`: it
 * came when the job had started, and must not be finished in CLEANUP, where
 * the finish would be counted against another's.
 */
export type Perilog = "none" | "counted" | "late" | "finished";

export interface JobProgress {
  allocAt?: number;
  startAt?: number;
  finishAt?: number;
  /** Its last shell is gone: prologs are counted again. */
  releaseAt?: number;
  /** The first exception of severity 0. */
  fatal?: { type: string; note: string };
  /** Flux has released its nodes. */
  freeAt?: number;
  /** Inactive: Flux is done with it. */
  clean: boolean;
  prolog: Perilog;
  epilog: Perilog;
  /** Unfinished prologs of others, by their descriptions. */
  otherPrologs: Set<string>;
  /** When the user's memo usernetes.release=true came. */
  releasedAt?: number;
  /** What it waits for before its claim, as the daemon's memo has it; for display only. */
  waitsFor?: string;
  /** All tasks have ended, and the job's shell waits for the teardown: its memo usernetes.tasks=done. */
  tasksDoneAt?: number;
  /** Changes of the time limit, by the job's user and by the daemon, in order. */
  limits: TimeLimit[];
}

export interface TimeLimit {
  at: number;
  /** 0: none. */
  seconds: number;
  /** Flux refused this change. */
  refused?: true;
}

/** The state of one step on one rank. */
export interface StepState {
  status: StepStatus | "running";
  attempt: number;
  /** When it started or ended, seconds since the epoch. */
  at: number;
  /** Why it is not ok, or what it waits for while it runs. */
  note: string;
  fault?: Fault;
  /** The work directory is the lead's, too. */
  shared?: true;
}

export interface Cluster {
  /** It has waited for earlier clusters on its nodes. */
  waitedForNodes?: boolean;
  readonly jobid: bigint;
  readonly userid: number;
  readonly asked: Parsed;
  /** Seconds; 0: no limit. */
  readonly duration: number;
  job: JobProgress;
  /** Known some time after alloc; R is not in the eventlog. */
  resources?: Resources;
  claim?: Claim;
  steps: Map<Step, Map<number, StepState>>;
  settle?: Settle;
  settledAt?: number;
  /** `timeout`: seconds that each try may take on a rank. */
  teardown?: { reason: string; timeout?: number };
  down?: Down;
  /** The end of the job's own teardown. A later `down` is that of `clean`, or of a node that is back. */
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

/** `node[1-2] (rank 1-2)` */
export function names(cluster: Cluster, ranks: readonly number[]): string {
  return `${hostNames(cluster, ranks)} (rank ${encodeIdset(ranks)})`;
}

/** `node1 (rank 1)` */
export const hostOf = (cluster: Cluster, rank: number): string => names(cluster, [rank]);

interface Places {
  ranks: readonly number[];
  /** Of each rank among them. */
  place: ReadonlyMap<number, number>;
}

/** A plan asks for them many times, and each step of each rank for its host. */
const PLACES = new WeakMap<Claim, Places>();

function placesOf(claim: Claim): Places {
  const known = PLACES.get(claim);
  if (known) return known;
  const ranks = decodeIdset(claim.ranks);
  const places = { ranks, place: new Map(ranks.map((rank, i) => [rank, i])) };
  PLACES.set(claim, places);
  return places;
}

/** The job will not run, or has run: Flux takes its nodes back. */
export function isOver({ job }: Cluster): boolean {
  return job.clean || job.finishAt !== undefined || job.fatal !== undefined;
}

/** The cluster is to be removed: the job is over, or its shell waits for the teardown. */
export function isEnding(cluster: Cluster): boolean {
  return isOver(cluster) || cluster.job.tasksDoneAt !== undefined;
}

/** No further action will be needed. */
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

/** The user asked for debugging: the job is held when its cluster is up, and the cluster is kept. */
export function isDebug({ asked }: Cluster): boolean {
  return "asks" in asked && asked.asks && asked.request.debug;
}

/** As the job asks for; undefined: it does not. */
export function scheduleOnLead({ asked }: Cluster): ScheduleOnLead | undefined {
  return "asks" in asked && asked.asks ? asked.request.scheduleOnLead : undefined;
}

/** Brought up, or failed to, for debugging: held until released or canceled. */
export function isHeld(cluster: Cluster): boolean {
  return isDebug(cluster) && cluster.settle !== undefined && cluster.job.releasedAt === undefined;
}
