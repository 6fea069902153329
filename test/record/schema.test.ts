/** The JSON schema in docs/record.md describes the events that are written. */
import t from "tap";
import { STEPS } from "../../lib/cluster/steps.js";
import { formatEvent, type RecordEvent } from "../../lib/record/events.js";
import { claimEvent, down, settle, step, teardown, waits } from "../fakes/clusters.js";
import { Life, type LifeOptions } from "../fakes/life.js";
import type { Play } from "../fakes/playing-run.js";
import { faultsOf, readSchemas } from "../fakes/record-schema.js";

const NAMES = [
  ...["claim", "step-start", "step-progress", "step-finish", "settle", "teardown-start", "down"],
];

const PORTS = { etcd: 1, kubelet: 2, flannel: 3, apiserver: 4 };

t.test("each event has a schema, and there are no other schemas", (t) => {
  const schemas = readSchemas();
  t.strictSame([...schemas.keys()], NAMES);
  t.strictSame(
    [...schemas.values()].map((schema) => schema["title"]),
    NAMES,
  );
  t.end();
});

t.test("the schemas list the steps of the table", (t) => {
  for (const name of STEPS) t.strictSame(faultsOf(formatEvent(step(`${name} 0 running`))), []);
  t.equal(faultsOf(formatEvent(step("weave 0 running"))).length, 1);
  t.end();
});

interface Scene {
  options?: LifeOptions;
  play?: Play;
  act: (life: Life) => Promise<void> | void;
}

const finish = async (life: Life) => {
  await life.untilStarted();
  life.job.finish();
};

const SCENES: Record<string, Scene> = {
  "a life that goes well": { act: finish },
  "a cluster of one node": { options: { ranks: [7], hosts: ["solo"] }, act: finish },
  "ranks with gaps, and usernetes' own ports": {
    options: { ranks: [0, 1, 2, 7], config: { ports: "default", workdir: "/" } },
    act: finish,
  },
  "a step that fails": {
    play: (name) => (name === "up" ? { exit: 1, tail: ["no space"] } : undefined),
    act: () => undefined,
  },
  "a step that fails without a word": {
    play: (name) => (name === "up" ? { exit: 1 } : undefined),
    act: () => undefined,
  },
  "a step that hangs": {
    play: (name) => (name === "wait-ready" ? { hangs: true } : undefined),
    act: () => undefined,
  },
  "a step that reports what it waits for": {
    play: (name) =>
      name === "wait-ready" ? { waits: ["net: 0 of 3 available", "DNS"] } : undefined,
    act: finish,
  },
  "a step that runs out of its time": {
    play: (name) => (name === "kubeadm-init" ? { exit: 124 } : undefined),
    act: () => undefined,
  },
  "a rank that is lost": {
    play: (_name, rank) => (rank === 2 ? { lost: "No route to host" } : undefined),
    act: () => undefined,
  },
  "a cancel on the way up": {
    play: (name) => (name === "up" ? { hangs: true } : undefined),
    act: async (life) => {
      await life.until(() => life.nodes.started.includes("up 1"));
      life.job.exception("cancel", 0);
    },
  },
  "a restart on the way up": {
    play: (name, _rank, attempt) =>
      name === "kubeadm-join" && attempt === 1 ? { hangs: true } : undefined,
    act: async (life) => {
      await life.until(() => life.record.includes("start kubeadm-join on 1-2 (1)"));
      await life.restart();
      await finish(life);
    },
  },
  "a cluster with a fifth port": {
    options: { config: { "port-variables": ["PORT_CALICO"] } },
    act: finish,
  },
  "a teardown that leaves something": {
    play: (name, rank) => (name === "down-v" && rank === 1 ? { exit: 1 } : undefined),
    act: finish,
  },
};

for (const [what, { options, play, act }] of Object.entries(SCENES))
  t.test(`the record of ${what} matches the schemas`, async (t) => {
    const life = new Life(options);
    if (play) life.nodes.play = play;
    await life.alloc();
    await act(life);
    await life.untilClean();
    t.ok(life.record.at(-1)?.startsWith("down"), "it is a whole life");
    t.strictSame(faultsOf(life.flux.recordText), []);
  });

t.test("a violation of the schemas is reported", (t) => {
  const change = (event: RecordEvent, context: Record<string, unknown>): string =>
    `${JSON.stringify({ ...event, context: { ...event.context, ...context } })}\n`;
  for (const line of [
    change(claimEvent(), { ranks: "" }),
    change(claimEvent(), { version: 2 }),
    change(claimEvent(), { token: "abcdef.0123456789abcdef" }),
    change(claimEvent(), { workdir: "/tmp/x" }),
    change(claimEvent(), { ports: { etcd: 1 } }),
    change(claimEvent(), { ports: { ...PORTS, calico: 1 } }),
    change(claimEvent(), { ports: { ...PORTS, PORT_CALICO: "1" } }),
    change(step("up 0 running"), { attempt: 0 }),
    change(step("up 0 failed"), { note: undefined }),
    change(step("up 0"), { note: "what for" }),
    change(waits("wait-ready 0", ""), {}),
    change(settle("ready"), {}),
    change(settle("failed"), {}),
    change(teardown("x"), { reason: "" }),
    change(down(), { left: "0-2" }),
    '{"timestamp":1,"name":"other","context":{}}\n',
    '{"timestamp":"1","name":"down","context":{"left":[]}}\n',
  ])
    t.equal(faultsOf(line).length, 1, line);
  t.end();
});
