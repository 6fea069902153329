/** Events of a job and of its record fold into one state (lib/cluster/fold.ts). */
import { timeLimit } from "../../lib/cluster/time-limit.js";
import t from "tap";
import { foldJobEvent, forgetRunning, type JobEvent } from "../../lib/cluster/fold.js";
import {
  type Cluster,
  displayState,
  isDone,
  isEnding,
  isOver,
  stepState,
} from "../../lib/cluster/state.js";
import type { Step } from "../../lib/cluster/steps.js";
import {
  BEGIN,
  CANCEL,
  claimed,
  claimEvent,
  down,
  emptyCluster,
  jobEvent,
  OURS,
  recorded,
  seen,
  settle,
  step,
  teardown,
} from "../fakes/clusters.js";

t.test("a job's own events are folded with their times", (t) => {
  const cluster = emptyCluster();
  for (const [i, name] of ["alloc", "start", "finish"].entries())
    foldJobEvent(cluster, jobEvent(name, 10 + i));
  t.match(cluster.job, { allocAt: 10, startAt: 11, finishAt: 12, clean: false });
  t.end();
});

t.test("the first fatal exception counts, and one of lower severity never does", (t) => {
  const cluster = seen(emptyCluster(), ["exception", { type: "note", severity: 1, note: "x" }]);
  t.notOk(isOver(cluster));
  seen(cluster, ["exception", { type: "cancel", severity: 0 }]);
  seen(cluster, ["exception", { type: "exec", severity: 0, note: "lost" }]);
  t.match(cluster.job.fatal, { type: "cancel", note: "" });
  t.ok(isOver(cluster));
  t.end();
});

t.test("a user's exception note becomes a bounded line of text", (t) => {
  const fatal = (type: unknown, note: unknown) =>
    seen(emptyCluster(), ["exception", { type, severity: 0, note }]).job.fatal;
  t.match(fatal("mine\u001b[2J", "one\ntwo"), { type: "mine", note: "one two" });
  t.match(fatal({ a: 1 }, [["x"]]), { type: "", note: "" });
  t.equal(fatal("x".repeat(1 << 20), "y".repeat(1 << 20))?.note.length, 300);
  t.end();
});

t.test("an event with any content, or none, can be folded", (t) => {
  const names = "alloc start finish exception memo jobspec-update prolog-start epilog-finish".split(
    " ",
  );
  const odd = [null, 5, "x", [], { description: {} }, { usernetes: null }, { severity: "0" }];
  for (const name of [...names, "__proto__", ""])
    for (const context of odd) {
      const cluster = emptyCluster();
      foldJobEvent(cluster, { timestamp: 1, name, context } as unknown as JobEvent);
      t.strictSame(cluster.job.fatal, undefined);
      t.match(cluster.job, { releasedAt: undefined, limits: [], prolog: "none", epilog: "none" });
    }
  t.end();
});

t.test("only a memo with the value true releases a job", (t) => {
  const released = (usernetes: unknown) =>
    seen(emptyCluster(), ["memo", { usernetes }]).job.releasedAt;
  for (const yes of [true, "true"]) t.ok(released({ release: yes }));
  for (const no of ["x", 1, [], null, "release", { release: "yes please" }, { release: {} }])
    t.notOk(released(no), JSON.stringify(no));
  t.end();
});

t.test("only the tasks=done memo, after the start, starts a teardown", (t) => {
  const asked = (usernetes: unknown, ...before: string[]) =>
    seen(emptyCluster(), ...before, ["memo", { usernetes }]).job.tasksDoneAt;
  t.equal(asked({ tasks: "done" }, "alloc", "start"), BEGIN);
  t.equal(asked({ tasks: "done" }, "alloc"), undefined, "it has no tasks before");
  for (const no of ["tasks", 1, [], null, { tasks: true }, { tasks: ["done"] }, { done: "tasks" }])
    t.equal(asked(no, "alloc", "start"), undefined, JSON.stringify(no));
  t.end();
});

t.test("a cluster whose job's shell waits is stopping, and its job is not over", (t) => {
  const cluster = recorded(seen(claimed(), "start"), settle("ready"));
  seen(cluster, ["memo", { usernetes: { tasks: "done" } }]);
  t.equal(displayState(cluster), "stopping");
  t.ok(isEnding(cluster));
  t.notOk(isOver(cluster));
  t.end();
});

t.test("the daemon's prolog is counted as Flux counts it", (t) => {
  const prolog = (...events: Parameters<typeof seen>[1][]) =>
    seen(emptyCluster(), ...events).job.prolog;

  t.test("the daemon's prolog counts before the start", (t) => {
    t.equal(prolog(["prolog-start", OURS]), "counted");
    t.equal(prolog("alloc", ["prolog-start", OURS]), "counted");
    t.equal(prolog(["prolog-start", OURS], ["prolog-finish", OURS]), "finished");
    t.end();
  });

  t.test("the daemon's prolog is late when the job has started, or starts despite it", (t) => {
    t.equal(prolog("start", ["prolog-start", OURS]), "late");
    t.equal(prolog(["prolog-start", OURS], "start"), "late");
    t.equal(prolog(["prolog-start", OURS], ["prolog-finish", OURS], "start"), "finished");
    t.end();
  });

  const release: [string, Record<string, unknown>] = ["release", { ranks: "all", final: true }];
  const part: [string, Record<string, unknown>] = ["release", { ranks: "0", final: false }];

  t.test("the daemon's prolog counts again once the last shell has exited", (t) => {
    t.equal(prolog("start", "finish", ["prolog-start", OURS]), "late");
    t.equal(prolog("start", "finish", ["prolog-start", OURS], release), "late");
    t.equal(prolog("start", "finish", part, ["prolog-start", OURS]), "late");
    t.equal(prolog("start", "finish", release, ["prolog-start", OURS]), "counted");
    t.end();
  });

  t.test("the daemon's prolog is late if the job is canceled while it is about to start", (t) => {
    t.equal(prolog("alloc", ["prolog-start", OURS], CANCEL, release), "late");
    t.end();
  });

  t.test("the daemon's prolog differs from a site's", (t) => {
    const site = { description: "job-manager.prolog" };
    t.equal(prolog(["prolog-start", site]), "none");
    t.equal(prolog(["prolog-start", OURS], ["prolog-finish", site]), "counted");
    t.end();
  });
  t.end();
});

t.test("other prologs are known while they run", (t) => {
  const others = (...events: Parameters<typeof seen>[1][]) => [
    ...seen(emptyCluster(), ["prolog-start", OURS], ...events).job.otherPrologs,
  ];
  const [site, other] = [{ description: "site" }, { description: "other" }];
  t.strictSame(others(["prolog-start", site], ["prolog-start", other]), ["site", "other"]);
  t.strictSame(others(["prolog-start", site], ["prolog-finish", site]), []);
  t.strictSame(others(["epilog-start", site]), []);
  t.end();
});

t.test("the daemon's epilog counts in CLEANUP only", (t) => {
  const epilog = (...events: Parameters<typeof seen>[1][]) =>
    seen(emptyCluster(), ...events).job.epilog;
  t.equal(epilog("start", "finish", ["epilog-start", OURS]), "counted");
  t.equal(epilog(CANCEL, ["epilog-start", OURS]), "counted");
  t.equal(epilog("start", ["epilog-start", OURS]), "late");
  t.equal(epilog("finish", ["epilog-start", OURS], ["epilog-finish", OURS]), "finished");
  t.equal(epilog("finish", ["epilog-start", { description: "site" }]), "none");
  t.end();
});

t.test("the time limit is that of the last update before the cluster settled", (t) => {
  const update = (duration: unknown): [string, Record<string, unknown>] => [
    "jobspec-update",
    { "attributes.system.duration": duration },
  ];
  const cluster = seen(emptyCluster(), update(60), update(90), update("inf"));
  t.strictSame(timeLimit(cluster), { seconds: 90, changed: false });
  seen(cluster, ["jobspec-update", { "attributes.system.queue": "debug" }]);
  t.strictSame(timeLimit(cluster), { seconds: 90, changed: false });
  cluster.job.limits = [
    { at: 10, seconds: 60 },
    { at: 20, seconds: 90 },
  ];
  cluster.settledAt = 30;
  t.strictSame(timeLimit(cluster), { seconds: 90, changed: false }, "both are the user's");
  cluster.settledAt = 15;
  t.strictSame(timeLimit(cluster), { seconds: 60, changed: true }, "the second is ours");
  t.end();
});

t.test("only the memo usernetes.release=true releases a job", (t) => {
  const released = (usernetes: unknown) =>
    seen(emptyCluster(), ["memo", { usernetes }]).job.releasedAt;
  t.ok(released({ release: true }));
  t.ok(released({ release: "true" }));
  for (const memo of [undefined, null, "release", true, [], { release: "yes" }, { release: 1 }])
    t.notOk(released(memo), JSON.stringify(memo));
  t.end();
});

t.test("an unknown event changes nothing", (t) => {
  const before = emptyCluster();
  t.strictSame(seen(emptyCluster(), "urgency", ["depend", {}], ["flux-restart", {}]), before);
  t.end();
});

t.test("each rank has its own progress", (t) => {
  const cluster = claimed("stage 0-2 running", "stage 0,2", "stage 1 failed");
  t.strictSame(
    [0, 1, 2].map((rank) => stepState(cluster, "stage", rank)?.status),
    ["ok", "failed", "ok"],
  );
  t.equal(stepState(cluster, "up", 0), undefined);
  t.end();
});

t.test("a step of a newer version is ignored", (t) => {
  const before = claimed();
  t.strictSame(recorded(claimed(), step("weave 0-2")), before);
  t.end();
});

t.test("a restart forgets what was in memory only", (t) => {
  t.test("no step runs after a restart, and finished steps remain", (t) => {
    const cluster = claimed("stage 0-2", "up 0 running", "up 1 failed");
    forgetRunning(cluster);
    t.equal(stepState(cluster, "stage", 2)?.status, "ok");
    t.equal(stepState(cluster, "up", 0), undefined);
    t.equal(stepState(cluster, "up", 1)?.status, "failed");
    t.end();
  });

  t.test("a restart loses a join-command that was not published", (t) => {
    const cluster = claimed("join-command 0", "publish-join 0 running");
    forgetRunning(cluster);
    t.equal(stepState(cluster, "join-command", 0), undefined);
    t.end();
  });

  t.test("a restart keeps a join-command that was published", (t) => {
    const cluster = claimed("join-command 0", "publish-join 0");
    forgetRunning(cluster);
    t.equal(stepState(cluster, "join-command", 0)?.status, "ok");
    t.end();
  });
  t.end();
});

t.test("a failed fetch-join needs a new join-command", (t) => {
  const PUBLISHED = ["join-command 0", "publish-join 0"];
  const statuses = (cluster: Cluster) =>
    ["join-command", "publish-join"].map((name) => stepState(cluster, name as Step, 0)?.status);

  t.test("the try after a failed fetch-join gets a new join-command", (t) => {
    const cluster = claimed(...PUBLISHED, "fetch-join 1 failed");
    t.strictSame(statuses(cluster), [undefined, undefined]);
    t.end();
  });

  t.test("a second failed fetch-join does not disturb a join-command that runs again", (t) => {
    const cluster = claimed(...PUBLISHED, "fetch-join 1 failed", "join-command 0 running");
    recorded(cluster, step("fetch-join 2 failed"));
    t.strictSame(statuses(cluster), ["running", undefined]);
    t.end();
  });

  t.test("the last failed fetch-join changes nothing, nor does a lost or a good one", (t) => {
    for (const end of [
      step("fetch-join 1 failed", { attempt: 3 }),
      step("fetch-join 1 lost"),
      step("fetch-join 1"),
    ])
      t.strictSame(statuses(recorded(claimed(...PUBLISHED), end)), ["ok", "ok"]);
    t.end();
  });
  t.end();
});

t.test("the displayed state follows from the job and its cluster", (t) => {
  const debug = () =>
    recorded(seen(emptyCluster({ usernetes_debug: "yes" }), "alloc"), claimEvent());
  t.equal(displayState(seen(emptyCluster(), "alloc")), undefined, "before the claim");
  t.equal(displayState(claimed()), "starting");
  t.equal(displayState(recorded(claimed(), settle("ready"))), "ready");
  t.equal(displayState(recorded(claimed(), settle("failed"))), "failed");
  t.equal(displayState(recorded(debug(), settle("ready"))), "held");
  t.equal(displayState(recorded(debug(), settle("failed"))), "held");
  t.equal(displayState(seen(claimed(), CANCEL)), "stopping");
  t.equal(displayState(recorded(claimed(), down())), undefined);
  t.end();
});

t.test("no action remains when the job is clean and its cluster is down", (t) => {
  t.notOk(isDone(claimed()));
  t.notOk(isDone(seen(claimed(), CANCEL, "clean")));
  t.notOk(isDone(recorded(seen(claimed(), CANCEL), teardown("cancel"), down())));
  t.ok(isDone(recorded(seen(claimed(), CANCEL, "clean"), down(1))));
  t.ok(isDone(seen(emptyCluster(), CANCEL, "clean")), "there never was one");
  t.end();
});
