/**
 * Plays a node of a cluster: what it was sent would have done every step, at once and
 * with success, and says so as run.sh does. For what the daemon itself does with
 * hundreds of nodes, where their shells would take all of the machine.
 */
import type { Launch, Running } from "../sandbox/process.js";

/** Over how long the reports of a call's ranks come. */
const SPREAD_MS = 200;

const JOIN_COMMAND = `#!/bin/bash
set -eux -o pipefail
kubeadm join node0:6443 --token abcdef.0123456789abcdef --discovery-token-ca-cert-hash sha256:${"7".repeat(64)}
`;

export function playedNode({ argv, host, onStdout, onStderr }: Launch): Running {
  const sent = argv.slice(argv.lastIndexOf("usernetes") + 1);
  const [nonce = "", ...words] = sent;
  const steps = words.filter((_, place) => place % 3 === 0);
  const later = (Number(/[0-9]+$/.exec(host.name)?.[0]) * 37) % SPREAD_MS;
  const ended = new Promise<void>((resolve) => setTimeout(resolve, later)).then(() => {
    if (steps.includes("join-command")) onStdout(Buffer.from(JOIN_COMMAND));
    for (const step of steps) onStderr(Buffer.from(`${nonce} end ${step} 0\n`));
    return { kind: "exited", status: 0 } as const;
  });
  const nothing = () => undefined;
  return { pid: undefined, kill: nothing, writeStdin: nothing, endStdin: nothing, ended };
}
