/**
 * The steps of a cluster's life: who takes each, how often it is tried, and
 * how long one try may take. How a step is done is in lib/step.
 */

export const STEPS = [
  "stage",
  "up",
  "kubeadm-init",
  "kubeconfig",
  "join-command",
  "publish-join",
  "fetch-join",
  "kubeadm-join",
  "remove-archive",
  "sync-external-ip",
  "install-flannel",
  "delete-token",
  "wait-nodes",
  "wait-ready",
  "down-v",
] as const;
export type Step = (typeof STEPS)[number];

/** Done by the daemon itself, on rank 0, as the instance owner. */
export const LOCAL_STEPS = ["publish-join", "remove-archive"] as const satisfies Step[];
export type LocalStep = (typeof LOCAL_STEPS)[number];
export type NodeStep = Exclude<Step, LocalStep>;

/** Every rank takes these, one after the other. */
export const PREPARE = ["stage", "up"] as const satisfies NodeStep[];

/**
 * The lead starts the control plane, and the workers wait for no more than its
 * join-command; a cluster of one node has no workers and continues with FINISH.
 */
export const CONTROL_PLANE = [
  "kubeadm-init",
  "join-command",
  "kubeconfig",
] as const satisfies NodeStep[];
export const JOIN = ["fetch-join", "kubeadm-join"] as const satisfies NodeStep[];

/**
 * The lead, when all have joined. Flannel comes after the external addresses:
 * a flannel pod reads its node's public-ip annotation when it starts. The token is
 * deleted while these pods start, which is waited for in any case. Nodes are Ready
 * (wait-nodes) some time before pods reach each other by name (wait-ready).
 */
export const FINISH = [
  "sync-external-ip",
  "install-flannel",
  "delete-token",
  "wait-nodes",
  "wait-ready",
] as const satisfies NodeStep[];

/** All that a bring-up takes on the nodes. */
export const BRING_UP = [
  ...PREPARE,
  ...CONTROL_PLANE,
  ...JOIN,
  ...FINISH,
] as const satisfies NodeStep[];

/** Seconds that one try of a step may take; none: the remaining time of the whole bring-up. */
export const STEP_LIMIT_S: Partial<Record<NodeStep, number>> = {
  stage: 120,
  "kubeadm-init": 600,
  kubeconfig: 60,
  "join-command": 60,
  "fetch-join": 60,
  "kubeadm-join": 180,
  // What comes after it waits, and is ready without.
  "delete-token": 20,
  "sync-external-ip": 120,
  "install-flannel": 300,
};

/** A cluster is ready without these; their failures are logged. */
export const OPTIONAL_STEPS: ReadonlySet<Step> = new Set<Step>(["delete-token", "remove-archive"]);
