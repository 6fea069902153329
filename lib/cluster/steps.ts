/**
 * The steps of a cluster's life, as one table. The plan, the requests to the nodes, the limits,
 * the timeline and `usernetes` by hand follow it; docs/design.md shows it.
 *
 * A step that make or the engine does is a script of the same name in lib/node/steps.
 */

interface Row {
  name: string;
  /** Which ranks take it; the daemon takes its own on rank 0, as the instance owner. */
  by: "all" | "lead" | "workers" | "daemon";
  /** Steps of one phase that a rank takes one after another are one request. */
  phase: "prepare" | "control plane" | "join" | "finish" | "teardown";
  /** What must have succeeded: on the same rank, or on all ranks that take it. */
  after: readonly string[];
  /** Seconds that one try may take; without it, what remains of the whole bring-up. */
  limitS?: number;
  /** How often it is tried, if not once; the configuration may change it. */
  attempts?: number;
  /** A cluster is ready without it; the log names what it leaves behind. */
  optional?: true;
  /** The target of the template that it makes. */
  makes?: string;
  /** The file in the work directory that the step gives to the daemon. */
  gives?: string;
  /** The agent itself puts the join-command into the work directory. */
  puts?: "join-command";
  /** Clusters take it only if the configuration has this for their template. */
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
  // On the lead only those that kubeadm would pull; workers have time for all of them.
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
  // A cluster of one node has nobody to join.
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
  // While the workers join.
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
  {
    name: "fetch-join",
    by: "workers",
    phase: "join",
    after: ["up", "load-images", "publish-join"],
    limitS: 60,
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
  // While the network's pods start, which is waited for in any case.
  {
    name: "delete-token",
    by: "lead",
    phase: "finish",
    after: ["sync-external-ip", "install-flannel"],
    limitS: 20,
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
  // The cluster works by then: a device plugin can be applied.
  {
    name: "after-ready",
    by: "lead",
    phase: "finish",
    after: ["wait-ready"],
    limitS: 600,
    needs: "hook",
  },
  // Whatever becomes of it, down-v follows.
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

const ROWS: readonly (Row & { name: Step })[] = TABLE;

export const STEPS: readonly Step[] = ROWS.map(({ name }) => name);

/** The steps of each phase that ranks take, in their order. */
export const PREPARE = nodeSteps("prepare");
export const CONTROL_PLANE = nodeSteps("control plane");
export const JOIN = nodeSteps("join");
export const FINISH = nodeSteps("finish");
export const TEARDOWN = nodeSteps("teardown");

/** The steps that run a program of the site: usernetes.hooks. */
export const HOOKS = ROWS.filter(({ needs }) => needs === "hook").map(({ name }) => name) as Hook[];

/** The steps that a cluster may go on without a worker for. */
export const OF_WORKERS = [...PREPARE, ...JOIN];
export const OPTIONAL_STEPS: ReadonlySet<Step> = new Set(
  named(({ optional }) => optional === true),
);

/** How often each step is tried, where that is not once. */
export const ATTEMPTS: Partial<Record<Step, number>> = Object.fromEntries(
  ROWS.flatMap(({ name, attempts }) => (attempts === undefined ? [] : [[name, attempts]])),
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
