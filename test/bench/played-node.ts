/**
 * Simulates the agent of a node, which reports success for every step without running it. This
 * makes it possible to measure the daemon's own work for hundreds of nodes, whose real agents would
 * occupy the whole machine.
 */
import { decodeIdset } from "../../lib/flux/idset.js";
import type { ReportKind, Request } from "../../lib/node/protocol.js";
import { firstRequests } from "../fakes/playing-run.js";
import type { Launch, Running } from "../sandbox/process.js";

/** The time over which the reports of a call's ranks arrive. */
const SPREAD_MS = 200;

const JOIN_COMMAND = `#!/bin/bash
set -eux -o pipefail
kubeadm join node0:6443 --token abcdef.0123456789abcdef --discovery-token-ca-cert-hash sha256:${"7".repeat(64)}
`;

export function playedNode({ argv, host, onStderr }: Launch): Running {
  const nonce = argv[argv.indexOf("usernetes-agent") + 1] ?? "";
  const rank = Number(/[0-9]+$/.exec(host.name)?.[0]);
  const report = (kind: ReportKind, fields: Record<string, unknown> = {}) => {
    onStderr(Buffer.from(`${JSON.stringify({ nonce, report: kind, ...fields })}\n`));
  };
  const soon = () => new Promise<void>((resolve) => setTimeout(resolve, (rank * 37) % SPREAD_MS));
  const ended = { kind: "exited", status: 0 } as const;
  let end: (how: typeof ended) => void = () => undefined;
  const over = new Promise<typeof ended>((resolve) => (end = resolve));
  const leave = () => {
    end(ended);
  };
  const answer = (request: Request) => {
    if (request.do === "end") leave();
    if (request.do !== "steps" || !decodeIdset(request.ranks).includes(rank)) return;
    void soon().then(() => {
      for (const { step, gives } of request.steps) {
        if (gives) report("result", { step, text: JOIN_COMMAND });
        report("end", { step, status: "ok", tail: [] });
      }
    });
  };
  let rest = "";
  const hear = (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) answer(JSON.parse(line) as Request);
  };
  void soon().then(() => {
    report("here");
  });
  for (const request of firstRequests(argv)) answer(request);
  return { pid: undefined, kill: leave, writeStdin: hear, endStdin: leave, ended: over };
}
