/**
 * The test files that only `npm run test:long` runs. Each takes minutes, and checks many more cases
 * of a subject that a file of `npm test` also checks.
 */
export const LONG: Readonly<Record<string, { why: string; alsoIn: string }>> = {
  "test/recovery/kill.test.ts": {
    why: "kill -9 of a real daemon at every line of its log",
    alsoIn: "test/recovery/walk.test.ts, test/life/restart.test.ts",
  },
  "test/recovery/kill-failed.test.ts": {
    why: "the same, of a bring-up that fails",
    alsoIn: "test/recovery/walk.test.ts",
  },
  "test/recovery/cancel.test.ts": {
    why: "a cancel at every line of a real daemon's log",
    alsoIn: "test/recovery/walk.test.ts, test/life/endings.test.ts",
  },
  "test/recovery/cancel-held.test.ts": {
    why: "the same, of a job that asks for debug",
    alsoIn: "test/recovery/walk.test.ts, test/life/endings.test.ts",
  },
  "test/recovery/children.test.ts": {
    why: "kill -9 of what the daemon started, at every line of its log",
    alsoIn: "test/life/restart.test.ts, test/plugin/supervisor.test.ts, test/plugin/follow.test.ts",
  },
  "test/podman/by-hand.test.ts": {
    why: "real containers, brought up by hand",
    alsoIn: "test/life/by-hand.test.ts, test/podman/job.test.ts",
  },
  "test/podman/clone.test.ts": {
    why: "a real clone of usernetes, where USERNETES_CLONE names one",
    alsoIn: "test/podman/job.test.ts",
  },
  "test/podman/ends.test.ts": {
    why: "real containers, whose bring-up ends half-way",
    alsoIn: "test/life/endings.test.ts, test/node/engines.test.ts",
  },
  "test/podman/faults.test.ts": {
    why: "real containers, of an engine that hangs or fails",
    alsoIn: "test/life/leftovers.test.ts, test/node/engines.test.ts",
  },
  "test/podman/images.test.ts": {
    why: "real containers, whose containerd gets a site's images with and without a route",
    alsoIn: "test/podman/job.test.ts, test/life/images.test.ts, test/node/agent-images.test.ts",
  },
  "test/podman/node.test.ts": {
    why: "real containers, one of which dies",
    alsoIn: "test/podman/job.test.ts, test/node/step-scripts.test.ts",
  },
  "test/podman/warm.test.ts": {
    why: "real images, built ahead of the jobs",
    alsoIn: "test/life/warm.test.ts, test/warm/on-node.test.ts",
  },
  "test/life/end-hold-load.test.ts": {
    why: "many jobs one after the other, to find one whose nodes are released too early",
    alsoIn: "test/life/end-hold.test.ts, test/plugin/meter.test.ts",
  },
  "test/life/load.test.ts": {
    why: "hundreds of jobs at once",
    alsoIn: "test/life/job.test.ts, test/plugin/reconcile.test.ts",
  },
};

/** Files of both runs. The long run checks twenty times as many cases (test/random.ts). */
export const WALKS = ["test/cluster/properties.test.ts"];
