/**
 * Finds the failures of a bring-up that no retry can fix, and whether the cluster can continue
 * nevertheless: with other ports, or without a worker.
 */
import { retryable, type PlanContext } from "./retry.js";
import { hostOf, stepState, ranksOf, type Cluster, type StepState } from "./state.js";
import { OF_WORKERS, isOfTeardown, OPTIONAL_STEPS, STEPS, type Step } from "./steps.js";

/** How often a cluster may change its ports and subnets. */
const ROUNDS = 8;

/** The ranks on which `up` found ports or a subnet in use, as long as others may be tried. */
export function conflicts(cluster: Cluster): Map<number, "port" | "subnet"> {
  const found = new Map<number, "port" | "subnet">();
  if ((cluster.claim?.avoid?.length ?? 0) >= ROUNDS) return found;
  for (const [rank, { fault }] of cluster.steps.get("up") ?? [])
    if (fault === "port" || fault === "subnet") found.set(rank, fault);
  return found;
}

/** The workers that failed for good, if the job tolerates that number. */
export function excludedWorkers(cluster: Cluster, context: PlanContext): number[] {
  const { asked, claim } = cluster;
  const most = "asks" in asked && asked.asks ? asked.request.tolerate : 0;
  if (most === 0) return [];
  const quiet = { ...context, wake: () => undefined };
  const failed = ranksOf(cluster).filter(
    (rank) =>
      rank !== claim?.lead &&
      OF_WORKERS.some((step) => retryable(step, stepState(cluster, step, rank), quiet) === "never"),
  );
  return failed.length > most ? [] : failed;
}

/** The exception's note for a lost node. */
export function lostNode(cluster: Cluster, context: PlanContext): string | undefined {
  const lost = ranksOf(cluster).find((rank) => context.lost.has(rank));
  return lost === undefined
    ? undefined
    : `${hostOf(cluster, lost)} was lost while its cluster came up`;
}

/** The exception's note for the first step that failed for good. */
export function failure(cluster: Cluster, context: PlanContext): string | undefined {
  const dropped = new Set(excludedWorkers(cluster, context));
  const quiet = { ...context, wake: () => undefined };
  for (const step of STEPS) {
    if (OPTIONAL_STEPS.has(step) || isOfTeardown(step)) continue;
    for (const [rank, at] of cluster.steps.get(step) ?? []) {
      if (dropped.has(rank)) continue;
      if (retryable(step, at, quiet) === "never")
        return describeFailure(cluster, { step, rank, at });
    }
  }
  return undefined;
}

/**
 * Returns `up failed on node1 (rank 1) (2 tries): exit 2: no space`, or `up on node1 (rank 1):
 * timed out after 60 s`.
 */
export function describeFailure(
  cluster: Cluster,
  { step, rank, at }: { step: Step; rank: number; at: StepState },
): string {
  const tries = at.attempt > 1 ? ` (${at.attempt} tries)` : "";
  const what = at.status === "timeout" ? step : `${step} failed`;
  return `${what} on ${hostOf(cluster, rank)}${tries}: ${at.note}`;
}
