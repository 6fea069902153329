/**
 * The help of `usernetes` and its verbs. The build generates from it the text that bin/usernetes
 * and lib/node/by_hand.py print. The options themselves are parsed in lib/node/by_hand_options.py;
 * a test compares both.
 */
import { HelpedCommand, type CommandHelp } from "./command-help.js";

const WORKDIR = {
  "--workdir <dir>": "a clone of usernetes (default: $TMPDIR/usernetes-<jobid>)",
};
const WORKER_COUNT = "--worker-count <n>";
const FIND = {
  usage: "[--jobid JOBID] [kubeconfig] [workdir]",
  operands: {
    "[name...]": { text: "what to print (default: both)", choices: ["kubeconfig", "workdir"] },
  },
  options: { "--jobid <jobid>": "use the cluster of this job (any form of a job ID)" },
  exits: {
    0: "done",
    1: "there is no cluster",
    2: "wrong usage",
    4: "no Flux instance",
  },
};
const BY_HAND = {
  exits: { 0: "done", 1: "failed", 2: "wrong usage", "128+n": "ended by signal n" },
};

const VERBS: CommandHelp[] = [
  {
    name: "attr",
    summary: "print the path of the kubeconfig and of the work directory",
    ...FIND,
    examples: ["export KUBECONFIG=$(usernetes attr kubeconfig)"],
  },
  {
    name: "env",
    summary: "print lines that export KUBECONFIG and USERNETES_WORKDIR",
    ...FIND,
    examples: ['eval "$(usernetes env)"'],
  },
  {
    name: "start-control-plane",
    summary: "start the control plane on this node",
    usage: "[--workdir DIR] --worker-count N [--serial]",
    options: {
      ...WORKDIR,
      [WORKER_COUNT]: "workers beside this node; 0: a cluster of one",
      "--serial":
        "do not wait for workers; run `make -C DIR sync-external-ip` or `usernetes wait-workers` when they have joined",
    },
    details: [
      `Starts the control plane on this node, and makes DIR/kubeconfig and DIR/join-command. Then it
       waits until N workers are in DIR/worker-ready-cache and the cluster is usable: all nodes are
       Ready, the pod network is rolled out on each, and DNS answers. With USERNETES_READY=nodes or
       =network it waits only for that. Pods may run on this node if it is the only one;
       USERNETES_SCHEDULE_ON_LEAD=yes or =no changes that.`,
    ],
    ...BY_HAND,
    examples: ["usernetes start-control-plane --workdir /opt/usernetes \\\n  --worker-count 3"],
  },
  {
    name: "start-worker",
    summary: "start a worker on this node",
    usage: "[--workdir DIR]",
    options: WORKDIR,
    details: ["Starts a worker on this node, waits for DIR/join-command, and joins."],
    ...BY_HAND,
    examples: ["flux exec -x 0 usernetes start-worker --workdir /opt/usernetes"],
  },
  {
    name: "wait-workers",
    summary: "wait until the workers have joined and the cluster is usable",
    usage: "[--workdir DIR] --worker-count N",
    options: { ...WORKDIR, [WORKER_COUNT]: "workers beside this node" },
    details: [
      `Waits until N workers are in DIR/worker-ready-cache and the cluster is usable, as
       start-control-plane does without --serial.`,
    ],
    ...BY_HAND,
    examples: ["usernetes wait-workers --workdir /shared/usernetes --worker-count 3"],
  },
  {
    name: "down",
    summary: "remove the cluster from this node",
    usage: "[--workdir DIR]",
    options: WORKDIR,
    details: [
      `Removes the cluster's container, network, volumes and image from this node. A clone that
       existed before stays.`,
    ],
    ...BY_HAND,
    examples: ["flux exec usernetes down --workdir /opt/usernetes"],
  },
  {
    name: "clean",
    summary: "make a work directory ready for another cluster",
    usage: "[--workdir DIR] [--all] [--keep-node]",
    options: {
      ...WORKDIR,
      "--all": "remove the node too, as down does, and then DIR itself",
      "--keep-node": "keep the node, as without --all; refused together with --all",
    },
    details: ["Removes DIR/worker-ready-cache, for another cluster in the same directory."],
    ...BY_HAND,
    examples: ["usernetes clean --workdir /tmp/usernetes-4711 --all"],
  },
  {
    name: "version",
    summary: "print the version",
    exits: { 0: "done", 2: "wrong usage" },
    examples: ["usernetes version"],
  },
];

/**
 * The command `usernetes`, for its help only. It is never run, because `usernetes` does not need
 * Node.js.
 */
export function usernetesCommand(): HelpedCommand {
  const program = new HelpedCommand({
    name: "usernetes",
    summary: "find a job's Kubernetes cluster, and make clusters by hand",
    usage: "[--debug] [--quiet] [--develop] VERB [OPTIONS]",
    options: {
      "--debug": "print more: the settings, and where each step writes its log",
      "--quiet": "print errors only",
      "--develop": "accepted for compatibility; ignored",
      "--version": "print the version",
    },
    details: [
      `attr and env find the cluster of this process' job. The other verbs bring a cluster up and
       take it down by hand, on one node each. \`usernetes VERB --help\` describes a verb.`,
    ],
    exits: {
      0: "done",
      1: "failed, or there is no cluster",
      2: "wrong usage",
      4: "no Flux instance",
      "128+n": "ended by signal n",
    },
    examples: [
      "export KUBECONFIG=$(usernetes attr kubeconfig)\nkubectl get nodes",
      "usernetes start-control-plane --workdir /opt/usernetes \\\n  --worker-count 3 --serial",
    ],
  });
  for (const verb of VERBS) program.addCommand(new HelpedCommand(verb));
  return program;
}
