/**
 * Plays a node of a cluster: what it was sent would have done every step, at once and
 * with success, and says so as run.sh does. For what the daemon itself does with
 * hundreds of nodes, where their shells would take all of the machine.
 */
import { decodeIdset } from "../../lib/flux/idset.js";
import type { Launch, Running } from "../sandbox/process.js";

/** Over how long the reports of a call's ranks come. */
const SPREAD_MS = 200;

const JOIN_COMMAND = `#!/bin/bash
set -eux -o pipefail
kubeadm join node0:6443 --token abcdef.0123456789abcdef --discovery-token-ca-cert-hash sha256:${"7".repeat(64)}
`;

export function playedNode(launch: Launch): Running {
  const { argv, host, env, onStdout, onStderr } = launch;
  const [nonce = "", ...words] = argv.slice(argv.lastIndexOf("usernetes") + 1);
  const rank = Number(/[0-9]+$/.exec(host.name)?.[0]);
  const report = (text: string) => {
    onStderr(Buffer.from(`${nonce} ${text}\n`));
  };
  const soon = () => new Promise<void>((resolve) => setTimeout(resolve, (rank * 37) % SPREAD_MS));
  const nothing = () => undefined;
  const ended = { kind: "exited", status: 0 } as const;
  if (!("USERNETES_LINE" in env)) {
    const steps = words.filter((_, place) => place % 3 === 0);
    const all = soon().then(() => {
      if (steps.includes("join-command")) onStdout(Buffer.from(JOIN_COMMAND));
      for (const step of steps) report(`end ${step} 0`);
      return ended;
    });
    return { pid: undefined, kill: nothing, writeStdin: nothing, endStdin: nothing, ended: all };
  }
  let hangUp: (how: typeof ended) => void = nothing;
  const gone = new Promise<typeof ended>((resolve) => (hangUp = resolve));
  void soon().then(() => {
    report("here");
  });
  let heard = "";
  const hear = (chunk: Buffer) => {
    const lines = (heard + chunk.toString()).split("\n");
    heard = lines.pop() ?? "";
    for (const line of lines) {
      const [ranks = "", ...steps] = line.split(" ");
      if (ranks === "give" || !isAmong(rank, ranks)) continue;
      void soon().then(() => {
        for (const step of steps) {
          if (step === "join-command")
            report(`result ${step} ${Buffer.from(JOIN_COMMAND).toString("base64")}`);
          report(`end ${step} 0`);
        }
      });
    }
  };
  const leave = () => {
    report("gone");
    hangUp(ended);
  };
  return { pid: undefined, kill: leave, writeStdin: hear, endStdin: leave, ended: gone };
}

const isAmong = (rank: number, idset: string): boolean => decodeIdset(idset).includes(rank);
