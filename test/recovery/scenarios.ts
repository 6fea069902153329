/** The scenarios of the walks (every-point.ts), and the conditions at the end of each life. */
import { until } from "../hosts/until.js";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { LifeFlux } from "../life/flux.js";
import type { Lived, Scenario } from "./lived.js";

const TARGETS = [
  ...["up", "kubeadm-init", "install-flannel", "join-command", "kubeadm-join"],
  ...["sync-external-ip", "down-v", "ready"],
];

/** Makes every step take no time and removes all faults. */
function plain(flux: LifeFlux): void {
  for (const target of TARGETS) flux.takes(target, 0);
  const fault = join(flux.place.testbed, "fault");
  for (const name of readdirSync(fault)) rmSync(join(fault, name));
}

/** The lead's task, which has the kubeconfig, sees both nodes. */
const SEES = '[ "$FLUX_TASK_RANK" != 0 ] || [ "$(kubectl get nodes | grep -c " Ready ")" = 2 ]';

const settled = ({ record }: Lived) => record.find(({ name }) => name === "settle")?.context;
const fatal = ({ events }: Lived) =>
  events.filter(({ name, context }) => name === "exception" && context?.["severity"] === 0);
const started = ({ events }: Lived) => events.some(({ name }) => name === "start");

/** A job that gets its cluster, uses it and ends. */
export const RUNS: Scenario = {
  job: ["-N2", "sh", "-c", SEES],
  prepare: plain,
  faults(lived) {
    const wrong = fatal(lived).map(({ context }) => `raised: ${JSON.stringify(context)}`);
    if (settled(lived)?.["outcome"] !== "ready") wrong.push(JSON.stringify(settled(lived)));
    const finish = lived.events.find(({ name }) => name === "finish");
    if (finish?.context?.["status"] !== 0) wrong.push(`finish: ${JSON.stringify(finish)}`);
    return wrong;
  },
};

/** A job whose cluster does not come up: a step fails for good on a live node. */
export const FAILS: Scenario = {
  job: ["-N2", "true"],
  prepare(flux) {
    plain(flux);
    flux.fault("node0.kubeadm-init", "exit 4");
  },
  faults(lived) {
    const wrong = started(lived) ? ["it started"] : [];
    const notes = fatal(lived).map(({ context }) => String(context?.["note"]));
    const expected = /^kubeadm-init failed on node0 \(rank 0\).*: exit \d: injected fault/;
    if (notes.length !== 1 || !expected.test(notes[0] ?? "")) wrong.push(`raised: ${notes.join()}`);
    if (settled(lived)?.["outcome"] !== "failed") wrong.push(JSON.stringify(settled(lived)));
    return wrong;
  },
};

/** The conditions for a canceled job: it reports the cancel, and no failure. */
function canceled(lived: Lived): string[] {
  const types = new Set(fatal(lived).map(({ context }) => String(context?.["type"])));
  // Without a fatal exception, the job was over before the cancel.
  if (types.size === 0) return RUNS.faults?.(lived) ?? [];
  const wrong = types.size > 1 || !types.has("cancel") ? [`raised: ${[...types].join()}`] : [];
  const outcome = settled(lived)?.["outcome"];
  if (outcome === "failed" || (outcome === "canceled" && started(lived)))
    wrong.push(`settled ${outcome}${started(lived) ? ", and it started" : ""}`);
  return wrong;
}

export const CANCELED: Scenario = { ...RUNS, faults: canceled };

/** A job to be canceled. Its `up` fails once on one node and is retried after a pause. */
export const RETRIES: Scenario = {
  ...CANCELED,
  prepare(flux) {
    plain(flux);
    flux.fault("node1.up", "exit 4 once");
  },
};

/**
 * A job that is held for debugging when its cluster is ready, until the user releases it. The
 * cluster is kept after the job's end, until `flux usernetes clean` removes it.
 */
export const HELD: Scenario = {
  ...CANCELED,
  job: ["--setattr=attributes.user.usernetes_debug=yes", ...RUNS.job],
  async act(flux, job) {
    const seen = async (name: string) =>
      [...(await flux.record(job)), ...(await flux.events(job))].some((e) => e.name === name);
    await until("held, or over", async () => (await seen("settle")) || seen("clean"));
    await flux.flux("job", "memo", job, "usernetes.release=true");
  },
  async after(flux, job) {
    const clean = async () => (await flux.run(["flux-usernetes", "clean", job])).exitCode === 0;
    await until("clean", clean);
  },
};
