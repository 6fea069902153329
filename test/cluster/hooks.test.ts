/** The steps that run a program of the site, where one is configured (usernetes.hooks). */
import t from "tap";
import { skippedSteps } from "../../lib/cluster/skipped.js";
import { plan } from "../../lib/cluster/plan.js";
import { HOOKS } from "../../lib/cluster/steps.js";
import { DEFAULT_OPTIONS, type Hooks } from "../../lib/config/template.js";
import {
  BEGIN,
  CANCEL,
  claimed,
  LIMITS,
  planned,
  recorded,
  seen,
  settle,
  step,
  teardown,
} from "../fakes/clusters.js";

const ALL: Hooks = { "before-up": ["a"], "after-ready": ["b"], "before-down": ["c"] };
const limits = (hooks: Hooks) => ({ skipped: skippedSteps({ ...DEFAULT_OPTIONS, hooks }) });
const withHooks = (cluster: Parameters<typeof planned>[0], hooks = ALL, now = BEGIN) =>
  planned(cluster, now, limits(hooks));

const UP = ["stage 0-2", "before-up 0-2", "up 0-2", "kubeadm-init 0", "join-command 0"];
const JOINED = ["kubeconfig 0", "publish-join 0", "fetch-join 1-2", "kubeadm-join 1-2"];
const FINISHED = ["remove-archive 0", "sync-external-ip 0", "install-flannel 0", "delete-token 0"];
const WAITED = [...UP, ...JOINED, ...FINISHED, "wait-nodes 0", "wait-ready 0"];

t.test("a hook without a configured program is not a step", (t) => {
  t.strictSame(
    [...skippedSteps(DEFAULT_OPTIONS)].filter((step) => HOOKS.includes(step as never)),
    HOOKS,
  );
  t.strictSame([...skippedSteps({ ...DEFAULT_OPTIONS, hooks: ALL, images: "/i" })], []);
  t.ok(skippedSteps({ ...DEFAULT_OPTIONS, hooks: { "before-up": [] } }).has("before-up"));
  t.end();
});

t.test("before-up runs on every node before up", (t) => {
  t.strictSame(withHooks(claimed()), ["ranks 0-2: stage, before-up, up"]);
  t.strictSame(planned(claimed()), ["ranks 0-2: stage, up"]);
  t.strictSame(withHooks(claimed("stage 0-2", "before-up 0")), [
    "ranks 0: up",
    "ranks 1-2: before-up, up",
  ]);
  t.end();
});

t.test("a failed before-up fails the bring-up, and names its node", (t) => {
  const cluster = claimed("stage 0-2", "before-up 0,2", "up 0,2");
  recorded(cluster, step("before-up 1 failed", { note: "exit 3: no scratch" }));
  t.strictSame(withHooks(cluster), [
    "settle failed: before-up failed on b (rank 1): exit 3: no scratch",
  ]);
  t.end();
});

t.test("after-ready runs last, on the lead, and the job waits for it", (t) => {
  t.strictSame(withHooks(claimed(...WAITED.slice(0, -2))), [
    "ranks 0: wait-nodes, wait-ready, after-ready",
  ]);
  t.strictSame(withHooks(claimed(...WAITED)), ["ranks 0: after-ready"]);
  t.strictSame(withHooks(claimed(...WAITED, "after-ready 0 running")), []);
  t.match(withHooks(claimed(...WAITED, "after-ready 0")), [/^settle ready/]);
  t.match(planned(claimed(...WAITED)), [/^settle ready/]);
  t.end();
});

t.test("a failed after-ready fails the job", (t) => {
  const cluster = claimed(...WAITED);
  recorded(cluster, step("after-ready 0 failed", { note: "exit 1: no such file gpu.yaml" }));
  t.strictSame(withHooks(cluster), [
    "settle failed: after-ready failed on a (rank 0): exit 1: no such file gpu.yaml",
  ]);
  t.end();
});

const ending = (...done: string[]) => {
  const cluster = seen(claimed(...done), CANCEL);
  return recorded(cluster, settle("canceled"), teardown("cancel"));
};

t.test("before-down runs on every node before down-v", (t) => {
  t.strictSame(withHooks(ending("up 0-2")), ["ranks 0-2: before-down, down-v"]);
  t.strictSame(planned(ending("up 0-2")), ["ranks 0-2: down-v"]);
  t.strictSame(withHooks(ending("before-down 0 running")), ["ranks 1-2: before-down, down-v"]);
  t.strictSame(withHooks(ending("before-down 0-2", "down-v 0-2")), ["end-teardown, left []"]);
  t.end();
});

t.test("before-down has its own time limit, and down-v keeps that of a teardown", (t) => {
  const { actions } = plan(ending(), { ...LIMITS, ...limits(ALL) }, BEGIN);
  t.match(actions, [{ do: "call", limitS: 360, eachS: 300 }]);
  t.end();
});

t.test("a failed or lost before-down does not stop a teardown", (t) => {
  for (const status of ["failed", "timeout"]) {
    const cluster = ending("before-down 0,2", `before-down 1 ${status}`, "down-v 0,2");
    t.strictSame(withHooks(cluster), ["ranks 1: down-v"], status);
    recorded(cluster, step("down-v 1"));
    t.strictSame(withHooks(cluster), ["end-teardown, left []"], status);
  }
  const lost = ending("before-down 0-2 lost");
  t.strictSame(withHooks(lost), ["ranks 0-2: down-v"], "it is not waited for");
  t.end();
});

t.test("before-down is not repeated with down-v", (t) => {
  const cluster = ending("before-down 0-2", "down-v 0,2", "down-v 1 failed");
  t.strictSame(withHooks(cluster, ALL, BEGIN + 1), ["ranks 1: down-v"]);
  t.end();
});
