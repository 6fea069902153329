/** The plan of a state: the ordered actions that it infers (lib/cluster/plan.ts). */
import t from "tap";
import { foldJobEvent, forgetRunning, type JobEvent } from "../../lib/cluster/fold.js";
import { plan } from "../../lib/cluster/plan.js";
import type { Fault, RecordEvent } from "../../lib/record/events.js";
import {
  BEGIN,
  CANCEL,
  claimed,
  claimEvent,
  claimOf,
  down,
  emptyCluster,
  jobEvent,
  LIMITS,
  OURS,
  planned,
  recorded,
  seen,
  settle,
  step,
  teardown,
  waits,
} from "../fakes/clusters.js";

const CONTROL_PLANE = ["stage 0-2", "up 0-2", "kubeadm-init 0", "join-command 0", "kubeconfig 0"];
const JOINED = [...CONTROL_PLANE, "publish-join 0", "fetch-join 1-2", "kubeadm-join 1-2"];

t.test("nothing is done before the job has its nodes", (t) => {
  t.strictSame(planned(seen(emptyCluster(), "submit", ["prolog-start", OURS])), []);
  t.end();
});

t.test("the job's R is read when it has its nodes, then a claim is made", (t) => {
  const cluster = seen(emptyCluster(), "submit", ["prolog-start", OURS], "alloc");
  t.strictSame(planned(cluster), ["read-resources"]);
  cluster.resources = { ranks: [0, 1], hosts: ["a", "b"] };
  t.strictSame(planned(cluster), ["claim"]);
  t.end();
});

t.test("no claim is made while another cluster's teardown runs on the nodes", (t) => {
  const cluster = seen(emptyCluster(), "submit", ["prolog-start", OURS], "alloc");
  cluster.resources = { ranks: [0, 1], hosts: ["a", "b"] };
  const tornDown = [7n];
  t.strictSame(planned(cluster, BEGIN, { tornDown }), ["wait-for-nodes: 7"]);
  t.strictSame(planned(cluster, BEGIN + 900, { tornDown }), ["claim"], "the wait ends");
  t.strictSame(planned(seen(cluster, CANCEL), BEGIN, { tornDown }), ["finish-prolog 1"]);
  t.end();
});

t.test("an attribute that is not understood is refused at once", (t) => {
  t.match(planned(emptyCluster({ usernetes: "maybe" })), [
    /^refuse: attributes\.user\.usernetes: /,
  ]);
  t.end();
});

t.test("bring-up runs each step as early as its dependencies allow", (t) => {
  t.test("bring-up starts with all ranks", (t) => {
    t.strictSame(planned(claimed()), ["ranks 0-2: stage, up"]);
    t.end();
  });

  t.test("bring-up waits for a running call", (t) => {
    t.strictSame(planned(claimed("stage 0-2 running")), []);
    t.strictSame(planned(claimed("stage 0-2", "up 0-2 running")), []);
    t.end();
  });

  t.test("bring-up makes one call for ranks with the same remaining steps", (t) => {
    t.strictSame(planned(claimed("stage 0,2")), ["ranks 0,2: up", "ranks 1: stage, up"]);
    t.end();
  });

  t.test("bring-up continues at the lead while the workers are behind", (t) => {
    t.strictSame(planned(claimed("stage 0-2", "up 0", "up 1-2 running")), [
      "ranks 0: kubeadm-init, join-command, kubeconfig",
    ]);
    t.strictSame(planned(claimed("stage 0-2", "up 1-2", "up 0 running")), []);
    t.end();
  });

  t.test("bring-up publishes the join-command once, after it is made", (t) => {
    t.strictSame(planned(claimed(...CONTROL_PLANE)), ["here: publish-join"]);
    t.strictSame(planned(claimed(...CONTROL_PLANE, "publish-join 0 running")), []);
    t.end();
  });

  t.test("bring-up omits the steps that the cluster does not take", (t) => {
    const skipped = new Set([...LIMITS.skipped, "install-flannel"] as const);
    const cluster = claimed(...CONTROL_PLANE, "fetch-join 1-2", "kubeadm-join 1-2");
    t.strictSame(planned(cluster, undefined, { skipped }), [
      "ranks 0: sync-external-ip, delete-token, wait-nodes, wait-ready",
    ]);
    t.end();
  });

  t.test("bring-up makes no new join-command when all workers have joined", (t) => {
    const cluster = claimed(...CONTROL_PLANE, "fetch-join 1-2", "kubeadm-join 1-2");
    forgetRunning(cluster);
    t.strictSame(planned(cluster), [
      "ranks 0: sync-external-ip, install-flannel, delete-token, wait-nodes, wait-ready",
    ]);
    t.end();
  });

  t.test("bring-up repeats only the missing parts of the control plane", (t) => {
    t.strictSame(planned(claimed("stage 0-2", "up 0-2", "kubeadm-init 0", "kubeconfig 0")), [
      "ranks 0: join-command",
    ]);
    t.end();
  });

  t.test("bring-up publishes the join-command for a shared work directory, too", (t) => {
    const made = ["kubeadm-init 0", "kubeconfig 0", "join-command 0"];
    const shared = ["stage 0-2", "up 0", "up 1-2 shared"];
    t.strictSame(planned(claimed(...shared, ...made)), ["here: publish-join"]);
    t.end();
  });

  t.test("bring-up joins the workers that are up", (t) => {
    const cluster = claimed(
      ...["stage 0-2", "up 0-1", "up 2 running", "kubeadm-init 0", "kubeconfig 0"],
      ...["join-command 0", "publish-join 0"],
    );
    t.strictSame(planned(cluster), ["ranks 1: fetch-join, kubeadm-join"]);
    t.end();
  });

  t.test("bring-up joins no more workers at a time than join-fanout", (t) => {
    const done = [...CONTROL_PLANE, "publish-join 0"];
    t.strictSame(planned(claimed(...done), BEGIN, { joinFanout: 1 }), [
      "ranks 1: fetch-join, kubeadm-join",
    ]);
    const one = ["fetch-join 1", "kubeadm-join 1 running"];
    t.strictSame(planned(claimed(...done, ...one), BEGIN, { joinFanout: 1 }), []);
    t.strictSame(planned(claimed(...done, ...one), BEGIN, { joinFanout: 2 }), [
      "ranks 2: fetch-join, kubeadm-join",
    ]);
    t.end();
  });

  t.test(
    "bring-up ends at the lead when all have joined, and removes the archive meanwhile",
    (t) => {
      t.strictSame(planned(claimed(...JOINED.slice(0, -1), "kubeadm-join 1")), [
        "ranks 2: kubeadm-join",
      ]);
      t.strictSame(planned(claimed(...JOINED)), [
        "ranks 0: sync-external-ip, install-flannel, delete-token, wait-nodes, wait-ready",
        "here: remove-archive",
      ]);
      t.end();
    },
  );

  t.test("bring-up of one node has no join, but deletes its token", (t) => {
    const one = () => {
      const cluster = seen(emptyCluster(), "alloc");
      const context = claimOf("5", ["solo"]);
      return recorded(cluster, { timestamp: BEGIN, name: "claim", context });
    };
    t.strictSame(planned(one()), ["ranks 5: stage, up"]);
    t.strictSame(planned(recorded(one(), step("stage 5"), step("up 5"))), [
      "ranks 5: kubeadm-init, kubeconfig, sync-external-ip, install-flannel, delete-token, wait-nodes, wait-ready",
    ]);
    t.strictSame(planned(recorded(one(), step("stage 5"), step("up 5"), step("kubeadm-init 5"))), [
      "ranks 5: kubeconfig, sync-external-ip, install-flannel, delete-token, wait-nodes, wait-ready",
    ]);
    t.end();
  });

  t.test("bring-up is over when all nodes are Ready and no step runs", (t) => {
    const done = [
      ...JOINED,
      "sync-external-ip 0",
      "install-flannel 0",
      "wait-nodes 0",
      "wait-ready 0",
    ];
    t.strictSame(planned(claimed(...done, "delete-token 0 running", "remove-archive 0")), []);
    t.strictSame(planned(claimed(...done, "delete-token 0 failed", "remove-archive 0")), [
      "settle ready",
    ]);
    t.end();
  });

  t.test("bring-up waits for its nodes before the token is deleted", (t) => {
    const done = [...JOINED, "sync-external-ip 0", "install-flannel 0", "remove-archive 0"];
    const lost = claimed(...done, "delete-token 0 lost");
    t.strictSame(planned(lost), ["ranks 0: wait-nodes, wait-ready"]);
    t.strictSame(planned(lost, BEGIN + 1), ["ranks 0: delete-token, wait-nodes, wait-ready"]);
    t.strictSame(planned(claimed(...done, "delete-token 0 failed")), [
      "ranks 0: wait-nodes, wait-ready",
    ]);
    const waits = claimed(...done, "delete-token 0 lost", "wait-ready 0 running");
    t.strictSame(planned(waits, BEGIN + 1), []);
    t.strictSame(planned(claimed(...done, "delete-token 0 running")), []);
    t.end();
  });

  t.test("bring-up is not over before a token from before a crash is deleted", (t) => {
    const done = [
      ...JOINED,
      "sync-external-ip 0",
      "install-flannel 0",
      "wait-nodes 0",
      "wait-ready 0",
    ];
    t.strictSame(planned(claimed(...done)), ["ranks 0: delete-token", "here: remove-archive"]);
    const lost = claimed(...done, "delete-token 0 lost", "remove-archive 0");
    t.strictSame(planned(lost), []);
    t.equal(plan(lost, LIMITS, BEGIN).wakeAt, BEGIN + 1);
    t.strictSame(planned(lost, BEGIN + 1), ["ranks 0: delete-token"]);
    t.end();
  });

  t.test("each call of a bring-up has the remaining time as its limit", (t) => {
    const limit = (now: number) => {
      const [first] = plan(claimed(), LIMITS, now).actions;
      return first?.do === "call" ? first.limitS : undefined;
    };
    t.equal(limit(BEGIN), 900);
    t.equal(limit(BEGIN + 840.5), 60);
    t.equal(plan(claimed("stage 0-2 running"), LIMITS, BEGIN).wakeAt, BEGIN + 900);
    t.end();
  });

  t.test("bring-up that takes too long fails and names the step that it waited for", (t) => {
    t.strictSame(planned(claimed("stage 0-2", "up 0,2", "up 1 running"), BEGIN + 900), [
      "settle failed: timed out after 15m, waiting for up on b (rank 1)",
    ]);
    t.strictSame(planned(claimed(), BEGIN + 900), ["settle failed: timed out after 15m"]);
    const waiting = recorded(
      claimed(...CONTROL_PLANE, "wait-ready 0 running"),
      waits("wait-ready 0", "coredns: 0 of 2 available"),
      waits("wait-ready 0", "of another try", 2),
    );
    t.strictSame(planned(waiting, BEGIN + 900), [
      "settle failed: timed out after 15m, waiting for wait-ready on a (rank 0): coredns: 0 of 2 available",
    ]);
    const many = recorded(
      seen(emptyCluster(), "alloc"),
      { timestamp: BEGIN, name: "claim", context: claimOf("0-5", ["a", "b", "c", "d", "e", "f"]) },
      step("stage 0-5 running"),
    );
    t.strictSame(planned(many, BEGIN + 901), [
      "settle failed: timed out after 15m, waiting for stage on a (rank 0), b (rank 1), c (rank 2), d (rank 3) and 2 more",
    ]);
    t.end();
  });
  t.end();
});

t.test("a failed step is repeated as often as configured", (t) => {
  const failed = (attempt: number, status = "failed") =>
    recorded(
      claimed("stage 0-2", "up 0,2"),
      step(`up 1 ${status}`, { attempt, note: "exit 1: no space" }),
    );

  t.test("a failed step is tried again after a pause", (t) => {
    const lead = "ranks 0: kubeadm-init, join-command, kubeconfig";
    t.strictSame(planned(failed(1)), [lead]);
    t.equal(plan(failed(1), LIMITS, BEGIN).wakeAt, BEGIN + 1);
    t.strictSame(planned(failed(1), BEGIN + 1), ["ranks 1: up", lead]);
    t.end();
  });

  t.test("the pause after a failed step grows with each try", (t) => {
    const cluster = recorded(
      claimed(...CONTROL_PLANE, "publish-join 0", "fetch-join 1-2", "kubeadm-join 2"),
      step("kubeadm-join 1 failed", { attempt: 2 }),
    );
    t.strictSame(planned(cluster, BEGIN + 1.9), []);
    t.strictSame(planned(cluster, BEGIN + 2), ["ranks 1: kubeadm-join"]);
    t.end();
  });

  t.test("the last failed try ends the bring-up, and names step, host, rank and last line", (t) => {
    t.strictSame(planned(failed(2)), [
      "settle failed: up failed on b (rank 1) (2 tries): exit 1: no space",
    ]);
    t.strictSame(planned(failed(2, "timeout")), [
      "settle failed: up on b (rank 1) (2 tries): exit 1: no space",
    ]);
    t.end();
  });

  t.test("a step whose flux exec died is tried again, a limited number of times", (t) => {
    const lost = (attempt: number) =>
      recorded(
        claimed("stage 0-2", "up 0-2"),
        step("kubeadm-init 0 lost", { attempt, note: "flux exec ended with a signal" }),
      );
    const again = ["ranks 0: kubeadm-init, join-command, kubeconfig"];
    t.strictSame(planned(lost(1)), []);
    t.strictSame(planned(lost(1), BEGIN + 1), again);
    t.strictSame(planned(lost(2), BEGIN + 2), again);
    t.strictSame(planned(lost(3), BEGIN + 10), [
      "settle failed: kubeadm-init failed on a (rank 0) (3 tries): flux exec ended with a signal",
    ]);
    t.end();
  });

  t.test("a failed step ends the bring-up at once if it has one try", (t) => {
    const cluster = recorded(
      claimed("stage 0-2", "up 0-2"),
      step("kubeadm-init 0 failed", { note: "exit 2: no" }),
    );
    t.strictSame(planned(cluster), [
      "settle failed: kubeadm-init failed on a (rank 0): exit 2: no",
    ]);
    t.end();
  });
  t.end();
});

t.test("a permanent failure is not tried again", (t) => {
  const note = "exit 2: No rule to make target 'up'";
  const up = step("up 1 failed", { note, fault: "permanent" });
  t.strictSame(planned(recorded(claimed("stage 0-2", "up 0,2"), up)), [
    `settle failed: up failed on b (rank 1): ${note}`,
  ]);
  t.end();
});

t.test("ports or subnets in use on a node are replaced", (t) => {
  const up = (words: string, fault: Fault) => step(words, { note: "exit 1: taken", fault });
  const taken = (...done: string[]) =>
    recorded(claimed("stage 0-2", ...done), up("up 1 failed", "port"));
  const again = (rounds: number, at = BEGIN): RecordEvent => {
    const { ports, subnet } = claimOf("0-2", ["a", "b", "c"]);
    const avoid = Array.from({ length: rounds }, () => ({ ports }));
    const context = { ...claimOf("0-2", ["a", "b", "c"]), subnet, avoid };
    return { timestamp: at, name: "claim", context };
  };

  t.test("ports or subnets in use are replaced when no step runs", (t) => {
    t.strictSame(planned(taken("up 0,2")), ["claim-others"]);
    t.strictSame(planned(taken("up 0,2", "kubeadm-init 0 running")), ["stop"]);
    t.strictSame(
      planned(taken("up 0,2", "kubeadm-init 0 lost")),
      ["claim-others"],
      "it was stopped",
    );
    t.strictSame(planned(recorded(claimed("stage 0-2", "up 0,2"), up("up 1 failed", "subnet"))), [
      "claim-others",
    ]);
    t.end();
  });

  t.test("every rank starts again with the new ports or subnet", (t) => {
    const cluster = recorded(taken("up 0,2", "kubeadm-init 0"), again(1));
    t.strictSame(planned(cluster), ["ranks 0-2: stage, up"]);
    t.end();
  });

  t.test("a lost node or a timeout is reported rather than ports in use", (t) => {
    const lost = { lost: new Set([2]) };
    t.strictSame(planned(taken("up 0,2"), BEGIN, lost), [
      "settle failed: c (rank 2) was lost while its cluster came up",
    ]);
    t.strictSame(planned(taken("up 0,2"), BEGIN + 900), ["settle failed: timed out after 15m"]);
    t.end();
  });

  t.test("the bring-up fails if ports are in use too often", (t) => {
    const cluster = recorded(claimed(), again(8), up("up 1 failed", "port"));
    t.strictSame(planned(cluster), ["settle failed: up failed on b (rank 1): exit 1: taken"]);
    t.end();
  });

  t.test("a restart does not use the ports of an older claim again", (t) => {
    const cluster = recorded(taken("up 0,2"), again(1), step("stage 0-2"), claimEvent(), again(1));
    t.equal(cluster.claim?.avoid?.length, 1);
    t.strictSame(planned(cluster), ["ranks 0-2: up"]);
    t.end();
  });
  t.end();
});

t.test("a job may tolerate the failure of a worker", (t) => {
  const fails = (...events: RecordEvent[]) => {
    const cluster = seen(emptyCluster({ usernetes_tolerate: 1 }), ["prolog-start", OURS], "alloc");
    return recorded(cluster, claimEvent(), step("stage 0-2"), ...events);
  };
  const worker = (rank: number, name = "up") =>
    step(`${name} ${rank} failed`, { attempt: 3, note: "exit 1: broken" });
  const lead = [step("up 0"), step("kubeadm-init 0"), step("kubeconfig 0")];
  const shared = [...lead, step("join-command 0"), step("publish-join 0")];

  t.test("a job that tolerates a failure continues without that worker", (t) => {
    t.strictSame(planned(fails(step("up 0,2"), worker(1))), [
      "ranks 0: kubeadm-init, join-command, kubeconfig",
    ]);
    const rest = [
      "ranks 0: sync-external-ip, install-flannel, delete-token, wait-nodes, wait-ready",
    ];
    t.strictSame(
      planned(
        fails(...shared, worker(1), step("up 2"), step("fetch-join 2"), step("kubeadm-join 2")),
      ),
      [...rest, "here: remove-archive"],
    );
    const joins = [step("up 1-2"), step("fetch-join 1-2"), step("kubeadm-join 2")];
    t.strictSame(planned(fails(...shared, ...joins, worker(1, "kubeadm-join"))), [
      ...rest,
      "here: remove-archive",
    ]);
    t.end();
  });

  t.test("the settle event lists the workers that are missing", (t) => {
    const all = ["sync-external-ip 0", "install-flannel 0", "wait-nodes 0", "wait-ready 0"].map(
      (line) => step(line),
    );
    const joined = [step("up 2"), step("fetch-join 2"), step("kubeadm-join 2"), ...all];
    const cluster = fails(...shared, worker(1), ...joined, step("delete-token 0"));
    recorded(cluster, step("remove-archive 0"));
    const [action] = plan(cluster, LIMITS, BEGIN).actions;
    t.match(action, { do: "settle", settle: { outcome: "ready", without: "1" } });
    t.end();
  });

  t.test("a job tolerates no more failures than allowed, and none of the lead", (t) => {
    t.strictSame(planned(fails(step("up 0"), worker(1), worker(2))), [
      "settle failed: up failed on b (rank 1) (3 tries): exit 1: broken",
    ]);
    t.strictSame(planned(fails(worker(0), step("up 1-2"))), [
      "settle failed: up failed on a (rank 0) (3 tries): exit 1: broken",
    ]);
    t.end();
  });

  t.test("a job that tolerates a failure waits for steps that may still succeed", (t) => {
    const once = step("up 1 failed", { attempt: 1, note: "exit 1: broken" });
    t.strictSame(planned(fails(step("up 0,2"), once), BEGIN + 1), [
      "ranks 1: up",
      "ranks 0: kubeadm-init, join-command, kubeconfig",
    ]);
    t.end();
  });

  t.test("a job that tolerates a failure still fails if a node is lost", (t) => {
    const lost = { lost: new Set([1]) };
    t.strictSame(planned(fails(step("up 0,2"), worker(1)), BEGIN, lost), [
      "settle failed: b (rank 1) was lost while its cluster came up",
    ]);
    t.end();
  });

  t.test("the nodes of tolerated workers are torn down, too", (t) => {
    const cluster = fails(step("up 0,2"), worker(1), settle("ready"), teardown("finish"));
    seen(cluster, "start", "finish", ["epilog-start", OURS]);
    t.strictSame(planned(cluster), ["ranks 0-2: down-v"]);
    t.end();
  });
  t.end();
});

t.test("a failed bring-up is raised after it is recorded", (t) => {
  t.strictSame(planned(recorded(claimed(), settle("failed", "up failed"))), ["raise: up failed"]);
  t.end();
});

t.test("a debug job whose bring-up failed is not ended until it is released", (t) => {
  const cluster = recorded(
    seen(emptyCluster({ usernetes_debug: "yes" }), ["prolog-start", OURS], "alloc"),
    claimEvent(),
    settle("failed", "up failed"),
  );
  t.strictSame(planned(cluster), []);
  seen(cluster, ["memo", { usernetes: { release: true } }]);
  t.strictSame(planned(cluster), ["raise: up failed"]);
  t.end();
});

t.test("a debug job's cluster is kept, whatever ends the job", (t) => {
  const debug = () =>
    recorded(
      seen(emptyCluster({ usernetes_debug: "yes" }), ["prolog-start", OURS], "alloc"),
      claimEvent(),
    );
  const ends = [
    seen(recorded(debug(), settle("ready")), "start", "finish"),
    seen(recorded(debug(), settle("ready")), CANCEL),
    seen(recorded(debug(), settle("failed", "up failed")), CANCEL),
  ];
  for (const cluster of ends) t.strictSame(planned(cluster), ["keep ranks 0,1,2"]);
  const early = seen(recorded(debug(), step("up 0-2 running")), CANCEL);
  t.strictSame(
    planned(recorded(early, settle("canceled"))),
    ["stop"],
    "when nothing runs any more",
  );
  const kept = recorded(seen(recorded(debug(), settle("ready")), CANCEL), down(0, 1, 2));
  t.strictSame(planned(kept), ["finish-prolog 1"], "and its nodes are freed");
  t.end();
});

t.test("a time limit is extended by the held time", (t) => {
  const ready = (duration: number) =>
    recorded(
      seen(emptyCluster({}, duration), ["prolog-start", OURS], "alloc"),
      claimEvent(),
      settle("ready"),
    );

  t.test("the held time is added before the job starts", (t) => {
    t.strictSame(planned(ready(60), BEGIN + 12.3), ["extend to 73 s"]);
    const extended = seen(ready(60), ["jobspec-update", { "attributes.system.duration": 73 }]);
    t.strictSame(planned(extended, BEGIN + 30), ["finish-prolog 0"]);
    t.end();
  });

  t.test("the held time is added once before settle if a prolog waits for that", (t) => {
    const steps = ["sync-external-ip 0", "install-flannel 0", "wait-nodes 0", "wait-ready 0"];
    const waited = (user: Record<string, unknown>, duration: number) => {
      const cluster = recorded(seen(emptyCluster(user, duration), "alloc"), claimEvent());
      const done = [...JOINED, ...steps, "delete-token 0", "remove-archive 0"];
      return recorded(cluster, ...done.map((line) => step(line, { at: BEGIN + 10 })));
    };
    const first = { extendFirst: true };
    t.strictSame(planned(waited({}, 60), BEGIN + 12.3, first), ["extend to 73 s"]);
    const extended = waited({}, 60);
    foldJobEvent(extended, {
      timestamp: BEGIN + 12.4,
      name: "jobspec-update",
      context: { "attributes.system.duration": 73 },
    });
    t.strictSame(planned(extended, BEGIN + 12.4, first), ["settle ready"]);
    recorded(extended, { ...settle("ready"), timestamp: BEGIN + 13 });
    t.strictSame(planned(extended, BEGIN + 13, first), []);
    t.strictSame(planned(waited({}, 0), BEGIN + 12, first), ["settle ready"]);
    const debug = waited({ usernetes_debug: "yes" }, 60);
    t.strictSame(planned(debug, BEGIN + 12, first), ["settle ready"], "held on: it is not over");
    t.end();
  });

  t.test("a time limit stays the same if the site configures so", (t) => {
    t.strictSame(planned(ready(60), BEGIN + 12, { extendTimeLimit: false }), ["finish-prolog 0"]);
    t.end();
  });

  t.test("the held time is added when the last other prolog has ended, too", (t) => {
    const other = { description: "site" };
    const cluster = seen(ready(60), ["prolog-start", other]);
    t.strictSame(planned(cluster, BEGIN + 12), []);
    t.strictSame(planned(seen(cluster, ["prolog-finish", other]), BEGIN + 20), ["extend to 80 s"]);
    t.end();
  });

  t.test("a job without a time limit needs no extension", (t) => {
    t.strictSame(planned(ready(0), BEGIN + 12), ["finish-prolog 0"]);
    t.end();
  });
  t.end();
});

t.test("the end of a job leads to its teardown", (t) => {
  t.test("a job that ends before its claim only has its hold finished", (t) => {
    t.strictSame(planned(seen(emptyCluster(), ["prolog-start", OURS], CANCEL)), [
      "finish-prolog 1",
    ]);
    t.end();
  });

  t.test("a canceled bring-up is recorded, its steps are stopped, and it is torn down", (t) => {
    const cluster = seen(claimed("stage 0-2 running"), CANCEL, ["epilog-start", OURS]);
    t.strictSame(planned(cluster), ["settle canceled: cancel"]);
    recorded(cluster, settle("canceled"));
    t.strictSame(planned(cluster), ["stop"]);
    recorded(cluster, step("stage 0-2 lost"));
    t.strictSame(planned(cluster), ["begin-teardown: cancel"]);
    recorded(cluster, teardown("cancel"));
    t.strictSame(planned(cluster), ["ranks 0-2: down-v"]);
    t.end();
  });

  t.test("a teardown waits for tasks that still run", (t) => {
    const cluster = recorded(seen(claimed(), ["prolog-finish", OURS], "start"), settle("ready"));
    t.strictSame(planned(seen(cluster, CANCEL)), []);
    t.strictSame(planned(seen(cluster, "finish")), ["begin-teardown: cancel"]);
    t.end();
  });

  t.test("a teardown starts when the last shell has ended without a finish event", (t) => {
    const cluster = recorded(seen(claimed(), ["prolog-finish", OURS], "start"), settle("ready"));
    seen(cluster, CANCEL, ["release", { ranks: "0", final: false }]);
    t.strictSame(planned(cluster), []);
    seen(cluster, ["release", { ranks: "1-2", final: true }]);
    t.strictSame(planned(cluster), ["begin-teardown: cancel"]);
    t.end();
  });

  t.test("a teardown waits no longer than 5 min for the end of tasks that Flux has lost", (t) => {
    const cluster = recorded(seen(claimed(), ["prolog-finish", OURS], "start"), settle("ready"));
    seen(cluster, CANCEL, ["epilog-start", OURS]);
    const at = cluster.job.fatal?.at ?? NaN;
    t.strictSame(plan(cluster, LIMITS, at + 299), { actions: [], wakeAt: at + 300 });
    t.strictSame(planned(cluster, at + 300), ["begin-teardown: cancel"]);
    recorded(cluster, teardown("cancel"), step("down-v 0-2"), down());
    t.strictSame(planned(cluster, at + 300), ["finish-epilog"]);
    t.end();
  });

  t.test("a teardown tries every rank as often as configured", (t) => {
    const cluster = seen(claimed(), CANCEL);
    recorded(cluster, settle("canceled"), teardown("cancel"), step("down-v 0,2"));
    recorded(cluster, step("down-v 1 failed"));
    t.strictSame(planned(cluster), [], "not at once");
    t.strictSame(planned(cluster, BEGIN + 1), ["ranks 1: down-v"]);
    recorded(cluster, step("down-v 1 failed", { attempt: 2 }));
    t.strictSame(planned(cluster, BEGIN + 1), ["end-teardown, left [1]"]);
    t.end();
  });

  t.test("a teardown is over when all ranks are down", (t) => {
    const cluster = seen(claimed(), CANCEL, ["epilog-start", OURS]);
    recorded(cluster, settle("canceled"), teardown("cancel"), step("down-v 0-2"));
    t.strictSame(planned(cluster), ["end-teardown, left []"]);
    recorded(cluster, down());
    t.strictSame(planned(cluster), ["finish-prolog 1", "finish-epilog"]);
    t.end();
  });
  t.end();
});

t.test("a shell may wait for the teardown", (t) => {
  const DONE: [string, Record<string, unknown>] = ["memo", { usernetes: { tasks: "done" } }];
  const waits = (duration: number, user: Record<string, unknown> = {}) => {
    const cluster = seen(emptyCluster(user, duration), ["prolog-start", OURS], "alloc");
    recorded(cluster, claimEvent(), settle("ready"));
    return seen(cluster, ["prolog-finish", OURS], "start", DONE);
  };

  t.test("a cluster is torn down while its shell waits, and no hold is finished", (t) => {
    const cluster = waits(0);
    t.strictSame(planned(cluster), ["begin-teardown: finish"]);
    t.strictSame(planned(recorded(cluster, teardown("finish"))), ["ranks 0-2: down-v"]);
    t.strictSame(planned(recorded(cluster, step("down-v 0-2"))), ["end-teardown, left []"]);
    t.strictSame(planned(recorded(cluster, down())), []);
    t.strictSame(planned(seen(cluster, "finish", ["epilog-start", OURS])), ["finish-epilog"]);
    t.end();
  });

  t.test("a cancel does not keep a waiting shell's cluster from its teardown", (t) => {
    t.strictSame(planned(seen(waits(0), CANCEL)), ["begin-teardown: cancel"]);
    t.end();
  });

  t.test("a debug job whose shell waits keeps its cluster", (t) => {
    const debug = waits(60, { usernetes_debug: "yes" });
    t.strictSame(planned(debug), ["keep ranks 0,1,2"]);
    t.end();
  });

  t.test("a waiting shell's job gets the time of a teardown once, if it has less", (t) => {
    const tearsDown = "begin-teardown: finish";
    // A teardown needs at most two tries of 300 s, and a minute.
    t.strictSame(planned(waits(3600), BEGIN + 2900), [tearsDown]);
    const late = waits(3600);
    t.strictSame(planned(late, BEGIN + 3000), ["extend to 4260 s", tearsDown]);
    seen(late, ["jobspec-update", { "attributes.system.duration": 4260 }]);
    t.strictSame(planned(late, BEGIN + 4000), [tearsDown]);
    const fixed = planned(waits(60), BEGIN + 50, { extendTimeLimit: false });
    t.strictSame(fixed, [tearsDown], "not where the site disabled it");
    t.strictSame(
      planned(seen(waits(60), "finish"), BEGIN + 50),
      [tearsDown],
      "nor when it has ended",
    );
    t.end();
  });
  t.end();
});

const LIMIT = "attributes.system.duration";
const limit = (at: number, seconds: number): JobEvent => ({
  timestamp: BEGIN + at,
  name: "jobspec-update",
  context: { [LIMIT]: seconds },
});

t.test("the daemon ends a job at the limit that includes the held time", (t) => {
  /** A cluster that is ready after 9 s, with these changes of the limit and this time of start. */
  const run = (duration: number, limits: JobEvent[], startAt = 9) => {
    const cluster = seen(emptyCluster({}, duration), ["prolog-start", OURS], "alloc");
    recorded(cluster, claimEvent(), { ...settle("ready"), timestamp: BEGIN + 9 });
    for (const event of limits) foldJobEvent(cluster, event);
    seen(cluster, ["prolog-finish", OURS]);
    foldJobEvent(cluster, jobEvent("start", BEGIN + startAt));
    return cluster;
  };

  t.test("the daemon ends the job at its limit if Flux would add the delay again", (t) => {
    const cluster = run(6, [limit(9, 15)]);
    t.match(plan(cluster, LIMITS, BEGIN + 14.9), { actions: [], wakeAt: BEGIN + 15 });
    t.strictSame(planned(cluster, BEGIN + 15), ["expire"]);
    t.end();
  });

  t.test("Flux's own timer ends the job if it adds nothing, and the daemon's only later", (t) => {
    const cluster = run(50, [limit(9, 59)]);
    t.match(plan(cluster, LIMITS, BEGIN + 60), { actions: [], wakeAt: BEGIN + 61 });
    t.strictSame(planned(cluster, BEGIN + 61), ["expire"]);
    t.end();
  });

  t.test("the limit counts from when the tasks could run, if the hold was late", (t) => {
    const cluster = run(6, [limit(9, 15)], 0.1);
    t.strictSame(planned(cluster, BEGIN + 16), []);
    t.strictSame(planned(cluster, BEGIN + 17), ["expire"]);
    t.end();
  });

  t.test("the limit follows the user's changes after the start", (t) => {
    const longer = run(6, [limit(9, 15), limit(12, 25)]);
    t.strictSame(planned(longer, BEGIN + 24.9), []);
    t.strictSame(planned(longer, BEGIN + 25), ["expire"]);
    t.strictSame(planned(run(6, [limit(9, 15), limit(12, 0)]), BEGIN + 999), [], "no limit");
    t.end();
  });

  t.test("Flux alone keeps a limit that the daemon has not extended", (t) => {
    const later = BEGIN + 999;
    t.strictSame(planned(run(0, []), later), []);
    const refused = run(6, []);
    refused.job.limits.push({ at: BEGIN + 9, seconds: 6, refused: true });
    t.strictSame(planned(refused, later), []);
    t.strictSame(planned(run(6, [limit(9, 15)]), later, { extendTimeLimit: false }), []);
    t.end();
  });

  t.test("the limit does not end a job whose shell waits for the teardown", (t) => {
    const done = seen(run(6, [limit(9, 15)]), ["memo", { usernetes: { tasks: "done" } }]);
    t.notOk(planned(done, BEGIN + 20).includes("expire"));
    t.end();
  });
  t.end();
});

t.test("a limit changed while the job is held for debugging is extended from the change", (t) => {
  const cluster = seen(
    emptyCluster({ usernetes_debug: "yes" }, 60),
    ["prolog-start", OURS],
    "alloc",
  );
  recorded(cluster, claimEvent(), { ...settle("ready"), timestamp: BEGIN + 9 });
  foldJobEvent(cluster, limit(20, 30));
  t.strictSame(planned(cluster, BEGIN + 25), [], "nothing while it is held");
  foldJobEvent(cluster, jobEvent(["memo", { usernetes: { release: true } }], BEGIN + 40));
  t.strictSame(planned(cluster, BEGIN + 40), ["extend to 70 s"]);
  foldJobEvent(cluster, limit(40.1, 70));
  t.strictSame(planned(cluster, BEGIN + 40.1), ["finish-prolog 0"]);
  t.end();
});

t.test("the held time is added to a limit that the user changed before", (t) => {
  const cluster = claimed();
  foldJobEvent(cluster, {
    timestamp: BEGIN - 1,
    name: "jobspec-update",
    context: { "attributes.system.duration": 30 },
  });
  recorded(cluster, settle("ready"));
  t.strictSame(planned(cluster, BEGIN + 12), ["extend to 42 s"]);
  t.end();
});
