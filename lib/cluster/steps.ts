/**
 * The table of the steps of a cluster's life. The plan, the requests to the nodes, the limits, the
 * timeline and `usernetes` by hand follow it. docs/design.md shows it.
 *
 * A step that runs make or the engine is a script of the same name in lib/node/steps.
 */

interface Row {
  name: string;
  /**
   * The ranks that take the step. The daemon takes its own steps on rank 0, as the instance owner.
   */
  by: "all" | "lead" | "workers" | "daemon";
  /** Consecutive steps of one phase on a rank are one request. */
  phase: "prepare" | "control plane" | "join" | "finish" | "teardown";
  /** The steps that must have succeeded before, on the same rank or on all ranks that take them. */
  after: readonly string[];
  /** Seconds that one try may take; if not set, the remaining time of the bring-up. */
  limitS?: number;
  /** Number of tries, if not one; the configuration may change it. */
  attempts?: number;
  /** A cluster can be ready without the step. The log reports its failure. */
  optional?: true;
  /** The make target of the template that the step calls. */
  makes?: string;
  /** The file in the work directory whose content the step returns to the daemon. */
  gives?: string;
  /** The agent itself puts the join-command into the work directory. */
  puts?: "join-command";
  /** Clusters take the step only if their template has hooks or images, respectively. */
  needs?: "hook" | "images";
}

export const TABLE = [
  { name: "stage", by: "all", phase: "prepare", after: [], limitS: 120 },
  {
    name: "before-up",
    by: "all",
    phase: "prepare",
    after: ["stage"],
    limitS: 300,
    needs: "hook",
  },
  {
    name: "up",
    by: "all",
    phase: "prepare",
    after: ["stage", "before-up"],
    attempts: 2,
    makes: "up",
  },
  // The lead imports only the images that kubeadm would pull. Workers have time for all of them.
  {
    name: "load-images",
    by: "all",
    phase: "prepare",
    after: ["up"],
    limitS: 600,
    attempts: 2,
    needs: "images",
  },
  {
    name: "kubeadm-init",
    by: "lead",
    phase: "control plane",
    after: ["up", "load-images"],
    limitS: 600,
    attempts: 2,
    makes: "kubeadm-init",
  },
  // A cluster of one node skips join-command, because no worker joins.
  {
    name: "join-command",
    by: "lead",
    phase: "control plane",
    after: ["kubeadm-init"],
    limitS: 60,
    makes: "join-command",
    gives: "join-command",
  },
  {
    name: "kubeconfig",
    by: "lead",
    phase: "control plane",
    after: ["kubeadm-init", "join-command"],
    limitS: 60,
    makes: "kubeconfig",
  },
  // The lead takes load-pod-images while the workers join.
  {
    name: "load-pod-images",
    by: "lead",
    phase: "control plane",
    after: ["kubeconfig"],
    limitS: 600,
    attempts: 2,
    needs: "images",
  },
  { name: "publish-join", by: "daemon", phase: "join", after: ["join-command"], attempts: 3 },
  // Before another try, the lead makes and publishes the join command again.
  {
    name: "fetch-join",
    by: "workers",
    phase: "join",
    after: ["up", "load-images", "publish-join"],
    limitS: 60,
    attempts: 3,
    puts: "join-command",
  },
  {
    name: "kubeadm-join",
    by: "workers",
    phase: "join",
    after: ["fetch-join"],
    limitS: 180,
    attempts: 3,
    makes: "kubeadm-join",
  },
  {
    name: "remove-archive",
    by: "daemon",
    phase: "finish",
    after: ["kubeadm-join"],
    optional: true,
  },
  {
    name: "sync-external-ip",
    by: "lead",
    phase: "finish",
    after: ["kubeconfig", "load-pod-images", "kubeadm-join"],
    limitS: 120,
    makes: "sync-external-ip",
  },
  // A flannel pod reads its node's public-ip annotation when it starts.
  {
    name: "install-flannel",
    by: "lead",
    phase: "finish",
    after: ["sync-external-ip"],
    limitS: 300,
    makes: "install-flannel",
  },
  // The token is deleted while the network's pods start, so that it takes no extra time. It makes two
  // calls of the engine's exec; one of them has taken 40 s on a slow node.
  {
    name: "delete-token",
    by: "lead",
    phase: "finish",
    after: ["sync-external-ip", "install-flannel"],
    limitS: 60,
    optional: true,
  },
  {
    name: "wait-nodes",
    by: "lead",
    phase: "finish",
    after: ["sync-external-ip", "install-flannel", "delete-token"],
  },
  {
    name: "wait-ready",
    by: "lead",
    phase: "finish",
    after: ["install-flannel", "delete-token", "wait-nodes"],
  },
  // The cluster works at this point, so that the hook can apply a device plugin, for example.
  {
    name: "after-ready",
    by: "lead",
    phase: "finish",
    after: ["wait-ready"],
    limitS: 600,
    needs: "hook",
  },
  // down-v follows even if before-down fails.
  {
    name: "before-down",
    by: "all",
    phase: "teardown",
    after: [],
    limitS: 60,
    optional: true,
    needs: "hook",
  },
  { name: "down-v", by: "all", phase: "teardown", after: ["before-down"], attempts: 2 },
] as const satisfies Row[];

type Taken = (typeof TABLE)[number];
export type Step = Taken["name"];
export type LocalStep = Extract<Taken, { by: "daemon" }>["name"];
export type NodeStep = Exclude<Step, LocalStep>;
export type Hook = Extract<Taken, { needs: "hook" }>["name"];

export const ROWS: readonly (Row & { name: Step })[] = TABLE;

export const STEPS: readonly Step[] = ROWS.map(({ name }) => name);

/** The steps of each phase that ranks take, in their order. */
export const PREPARE = nodeSteps("prepare");
export const CONTROL_PLANE = nodeSteps("control plane");
export const JOIN = nodeSteps("join");
export const FINISH = nodeSteps("finish");
export const TEARDOWN = nodeSteps("teardown");

/** The steps that run a program of usernetes.hooks. */
export const HOOKS = ROWS.filter(({ needs }) => needs === "hook").map(({ name }) => name) as Hook[];

/** Steps whose failure on a worker the cluster may tolerate. */
export const OF_WORKERS = [...PREPARE, ...JOIN];
export const OPTIONAL_STEPS: ReadonlySet<Step> = new Set(
  named(({ optional }) => optional === true),
);

export function rowOf(step: Step): Row & { name: Step } {
  const row = ROWS.find(({ name }) => name === step);
  if (!row) throw new Error(`there is no step ${step}`);
  return row;
}

export const isOfTeardown = (step: Step): boolean => rowOf(step).phase === "teardown";

export const isStep = (name: string): name is Step => ROWS.some((row) => row.name === name);

function named(matches: (row: Row) => boolean): Step[] {
  return ROWS.filter(matches).map(({ name }) => name);
}

function nodeSteps(phase: Row["phase"]): NodeStep[] {
  return named((row) => row.phase === phase && row.by !== "daemon") as NodeStep[];
}
