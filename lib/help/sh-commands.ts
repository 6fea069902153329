/** The help of the commands that bin/flux-usernetes runs by itself, on nodes without Node.js. */
import { HelpedCommand } from "./command-help.js";

export const SH_COMMANDS = ["kubeconfig", "once"];

export const kubeconfigCommand = (): HelpedCommand =>
  new HelpedCommand({
    name: "kubeconfig",
    summary: "print a kubeconfig that works on every node of the instance",
    operands: { "<cluster>": "job ID, or `instance` for the cluster of the whole instance" },
    options: {
      "-o, --output <file>":
        "write to FILE, readable by its owner only, and print its absolute path",
    },
    details: [
      `The server in the kubeconfig is the address of the job's first node, not 127.0.0.1. The
       job's user can call it on any node while the job's tasks run, and the instance owner as long
       as the cluster exists. It does not need Node.js.`,
    ],
    exits: {
      0: "done",
      1: "failed, or there is no cluster that is ready",
      2: "wrong usage",
      4: "no Flux instance",
    },
    examples: [`export KUBECONFIG=$(flux usernetes kubeconfig -o /tmp/kc "$JOBID")`],
  });

export const onceCommand = (): HelpedCommand =>
  new HelpedCommand({
    name: "once",
    summary: "run a command in the job's first task only",
    usage: "[--] COMMAND [ARG...]",
    operands: { "<command>": "the command", "[arg...]": "its arguments" },
    details: [
      `The other tasks wait for the command, print nothing, and exit with its exit status. Outside
       a job, the command just runs. It does not need Node.js.`,
    ],
    exits: {
      1: "the exit status cannot be shared with the other tasks",
      2: "wrong usage",
      127: "COMMAND does not exist",
      "128+n": "signal n ended COMMAND",
      else: "the exit status of COMMAND",
    },
    examples: [
      "flux run -N2 -n32 --setattr=attributes.user.usernetes=yes \\\n  flux usernetes once -- kubectl get pods",
    ],
  });
