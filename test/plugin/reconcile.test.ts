/** The reconciler: from a job's events to actions, with recorded effects and a fake clock. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { DEFAULT_ADJUSTMENTS } from "../../lib/config/schema.js";
import { DEFAULT_OPTIONS } from "../../lib/config/template.js";
import { take } from "../../plugin/claim.js";
import { FluxError } from "../../plugin/flux-error.js";
import { describeEvent, Life } from "../fakes/life.js";
import { JOIN_COMMAND, TOKEN } from "../fakes/playing-run.js";
import { faultsOf } from "../fakes/record-schema.js";

const TAKEN = "Bind for 0.0.0.0:20000 failed: port is already allocated";

/** The record's events of a bring-up, in order. */
const BRING_UP = [
  "claim 0-2",
  "start stage on 0-2 (1)",
  "ok stage on 0-2 (1)",
  "start up on 0-2 (1)",
  "ok up on 0-2 (1)",
  "start kubeadm-init on 0 (1)",
  "ok kubeadm-init on 0 (1)",
  "start join-command on 0 (1)",
  "ok join-command on 0 (1)",
  "start kubeconfig on 0 (1)",
  "start publish-join on 0 (1)",
  "ok kubeconfig on 0 (1)",
  "ok publish-join on 0 (1)",
  "start fetch-join on 1-2 (1)",
  "ok fetch-join on 1-2 (1)",
  "start kubeadm-join on 1-2 (1)",
  "ok kubeadm-join on 1-2 (1)",
];
const DOWN = ["start down-v on 0-2 (1)", "ok down-v on 0-2 (1)", "down, left []"];

const posts = (life: Life) => life.flux.requests.filter((request) => request.startsWith("post "));

t.test(
  "a job starts when its cluster is ready, and frees its nodes when it is removed",
  async (t) => {
    const life = await new Life().alloc();
    await life.untilStarted();
    const { record } = life;
    t.strictSame(record.slice(0, BRING_UP.length), BRING_UP);
    t.strictSame(record.at(-1), "settle ready");
    t.strictSame(
      record.slice(BRING_UP.length, -1).toSorted(),
      ["delete-token", "install-flannel", "remove-archive", "sync-external-ip"]
        .concat("wait-nodes", "wait-ready")
        .flatMap((step) => [`start ${step} on 0 (1)`, `ok ${step} on 0 (1)`])
        .toSorted(),
    );
    life.job.finish();
    await life.untilClean();
    t.strictSame(life.record.slice(record.length), ["teardown: finish", ...DOWN]);
    t.strictSame(life.job.events, [
      ...["submit", "prolog-start", "alloc", "memo", "memo", "prolog-finish", "start"],
      ...["finish", "epilog-start", "memo", "epilog-finish", "free", "clean"],
    ]);
    t.strictSame(life.job.last("prolog-finish")?.context, { description: "usernetes", status: 0 });
    t.equal(life.job.wrongFinishes, 0);
    t.strictSame(life.world.open.all(), [], "its ports are free again");
    t.strictSame(
      [...life.flux.kvs.keys()].filter((key) => key.startsWith("usernetes.cluster")),
      [],
    );
  },
);

t.test("ranks with the same steps share one flux exec", async (t) => {
  const life = await new Life().alloc();
  await life.untilStarted();
  life.job.finish();
  await life.untilClean();
  t.strictSame(life.nodes.commands, [
    "exec 0-2: stage, up",
    "exec 0: kubeadm-init, join-command, kubeconfig",
    "archive create usernetes-2qt1hsjy5",
    "exec 1-2: fetch-join, kubeadm-join",
    "exec 0: sync-external-ip, install-flannel, delete-token, wait-nodes, wait-ready",
    "exec 0-2: down-v",
  ]);
});

t.test("workers that end a step at nearly the same time share the next call, too", async (t) => {
  const life = new Life();
  life.nodes.play = (step, rank) =>
    step === "up" ? { seconds: rank === 0 ? 1 : 5 + rank * 0.003 } : {};
  await life.alloc();
  await life.untilStarted();
  t.ok(life.nodes.commands.includes("exec 1-2: fetch-join, kubeadm-join"));
  const at = (word: string) => life.nodes.started.indexOf(word);
  t.ok(at("kubeadm-init 0") < at("fetch-join 1"), "the lead waits for nobody");
});

t.test("a cluster of one node has no joins", async (t) => {
  const life = await new Life({ ranks: [3], hosts: ["solo"] }).alloc();
  await life.untilStarted();
  life.job.finish();
  await life.untilClean();
  t.strictSame(life.nodes.commands, [
    "exec 3: stage, up",
    "exec 3: kubeadm-init, kubeconfig, sync-external-ip, install-flannel, delete-token, wait-nodes, wait-ready",
    "exec 3: down-v",
  ]);
});

t.test("the user sees the progress of the cluster", async (t) => {
  const life = await new Life().alloc();
  await life.untilStarted();
  life.job.finish();
  await life.untilClean();
  t.strictSame(
    life.flux.memos,
    ["starting", "ready", "stopping"].map((state) => ({ usernetes: { state } })),
  );
});

t.test("the join-command is written to its archive and nowhere else", async (t) => {
  const life = await new Life().alloc();
  await life.untilStarted();
  t.strictSame(life.nodes.archived, [{ text: JOIN_COMMAND, mode: 0o600 }]);
  const elsewhere = [...life.flux.kvs.values(), ...life.flux.requests, ...life.printed].join("\n");
  t.notMatch(elsewhere, TOKEN);
  t.notMatch(elsewhere, "sha256:");
  t.strictSame(life.archives, [], "all have joined");
});

t.test("the archive is removed together with the down event, whatever happened", async (t) => {
  for (const [what, end] of [
    [
      "a worker fails for good",
      (life: Life) => {
        life.nodes.play = (step) => (step === "kubeadm-join" ? { exit: 1 } : {});
        return life.untilClean();
      },
    ],
    [
      "it is canceled while workers join",
      async (life: Life) => {
        life.nodes.play = (step) => (step === "kubeadm-join" ? { hangs: true } : {});
        await life.until(() => life.nodes.started.includes("kubeadm-join 1"));
        t.strictSame(life.archives, ["archive.usernetes-2qt1hsjy5"]);
        life.job.exception("cancel", 0);
        await life.untilClean();
      },
    ],
    [
      "flux archive fails half way",
      (life: Life) => {
        life.nodes.archive = () => ({ exitCode: 1, stderr: "flux-archive: no space" });
        life.nodes.play = (step) => (step === "kubeadm-join" ? { exit: 1 } : {});
        return life.untilClean();
      },
    ],
    [
      "a node stays to be cleaned",
      async (life: Life) => {
        life.nodes.play = (step, rank) =>
          step === "kubeadm-join" || (step === "down-v" && rank === 2) ? { exit: 1 } : {};
        await life.untilClean();
      },
    ],
  ] as const) {
    const life = await new Life().alloc();
    await end(life);
    t.strictSame(life.archives, [], what);
    const last = life.flux.requests.findLast((request) => request.startsWith("commit "));
    t.match(
      last,
      /^commit append .*\.usernetes\.eventlog, .* unlink archive\.usernetes-2qt1hsjy5, /,
    );
  }
});

t.test("the archive is removed even if Flux fails several commits", async (t) => {
  const life = await new Life().alloc();
  life.nodes.play = (step) => (step === "kubeadm-join" ? { exit: 1 } : {});
  await life.until(() => life.job.has("exception"));
  life.flux.fail("commit", 5);
  await life.untilClean();
  t.strictSame(life.archives, []);
  t.equal(life.record.at(-1), "down, left []");
});

t.test("the nodes get the cluster's environment and nothing of the daemon's", async (t) => {
  const life = await new Life().alloc();
  await life.untilStarted();
  t.strictSame(life.nodes.environments[0], {
    PATH: "/usr/bin",
    USERNETES_TEMPLATE: "/opt/usernetes",
    USERNETES_WORKDIR: "/tmp/usernetes-ƒ2qt1hsjy5",
    USERNETES_MARKER: `179836689580032 ${life.world.site.instance}`,
    USERNETES_PROJECT: "usernetes-2qt1hsjy5",
    USERNETES_ARCHIVE: "usernetes-2qt1hsjy5",
    USERNETES_ENGINE: "docker",
    USERNETES_RANKS: "0-2",
    USERNETES_HOSTS: "node[0-2]",
    USERNETES_LEAD: "0",
    USERNETES_SHARED: "auto",
    USERNETES_READY: "dns",
    USERNETES_SCHEDULE_ON_LEAD: "auto",
    USERNETES_MAKE_UP: "up",
    USERNETES_MAKE_NETWORK: "install-flannel",
    USERNETES_PORT_VARIABLES: "",
    USERNETES_ADJUSTMENTS: DEFAULT_ADJUSTMENTS.join(" "),
    USERNETES_SIZE: "3",
    USERNETES_WITHOUT: "",
    USERNETES_SUBNET: "10.100.0.0/24",
    CONTAINER_ENGINE: "docker",
    COMPOSE: "docker compose -p usernetes-2qt1hsjy5",
    COMPOSE_PROJECT_NAME: "usernetes-2qt1hsjy5",
    U7S_PORT_ETCD: "20000",
    U7S_PORT_KUBELET: "20001",
    U7S_PORT_FLANNEL: "20002",
    U7S_PORT_KUBE_APISERVER: "20003",
    PORT_ETCD: "20000",
    PORT_KUBELET: "20001",
    PORT_FLANNEL: "20002",
    PORT_KUBE_APISERVER: "20003",
  });
});

t.test("a rank continues while others are behind, and joins wait for the lead", async (t) => {
  const life = new Life();
  life.nodes.play = (step, rank) => {
    if (step === "stage" && rank === 2) return { seconds: 5 };
    return step === "kubeadm-init" ? { seconds: 20 } : undefined;
  };
  await life.alloc();
  await life.until(() => life.nodes.started.includes("kubeadm-init 0"));
  t.notOk(life.nodes.started.includes("up 2"), "rank 2 is still at its first step");
  await life.until(() => life.nodes.started.includes("up 2"));
  t.notOk(life.nodes.started.includes("fetch-join 1"));
  await life.untilStarted();
});

t.test("a worker that finds no archive gets a new one, while another has joined", async (t) => {
  const life = new Life();
  life.nodes.play = (step, rank, attempt) =>
    step === "fetch-join" && rank === 2 && attempt < 3 ? { exit: 1 } : undefined;
  await life.alloc();
  await life.untilStarted();
  const count = (entry: string) => life.record.filter((each) => each === entry).length;
  t.equal(count("ok join-command on 0 (1)"), 3);
  t.equal(count("ok publish-join on 0 (1)"), 3);
  t.ok(life.record.includes("ok fetch-join on 2 (3)"));
  t.equal(count("start kubeadm-init on 0 (1)"), 1);
  t.equal(life.nodes.started.filter((each) => each === "kubeadm-join 1").length, 1);
});

t.test("the archive is removed in one commit with the ends of the joins", async (t) => {
  const life = new Life();
  const archive = "unlink archive.";
  const seen: boolean[] = [];
  life.flux.onCommit = (operations) => {
    const isFirst = operations.includes(archive) && seen.length === 0;
    if (isFirst) seen.push(life.record.includes("ok kubeadm-join on 1-2 (1)"));
  };
  await life.alloc();
  await life.untilStarted();
  t.strictSame(seen, [true], "a daemon that is killed now does not repeat fetch-join");
});

t.test("no more than join-fanout joins run at a time", async (t) => {
  const life = new Life({ ranks: [0, 1, 2, 3, 4], config: { "join-fanout": 2 } });
  life.nodes.play = (step) => (step === "kubeadm-join" ? { seconds: 10 } : undefined);
  await life.alloc();
  await life.untilStarted();
  t.equal(life.nodes.most.get("kubeadm-join"), 2);
  t.equal(life.nodes.most.get("up"), 5, "everything else is done by all at once");
});

t.test("joins start in groups of join-fanout, however far apart they end", async (t) => {
  const life = new Life({ ranks: [0, 1, 2, 3, 4, 5], config: { "join-fanout": 2 } });
  life.nodes.play = (step, rank) => (step === "kubeadm-join" ? { seconds: 10 + rank } : undefined);
  await life.alloc();
  await life.untilStarted();
  const joins = life.nodes.commands.filter((command) => command.includes("kubeadm-join"));
  t.strictSame(
    joins,
    ["1-2", "3-4", "5"].map((ranks) => `exec ${ranks}: fetch-join, kubeadm-join`),
  );
});

t.test("a failed step is handled by its fault", (t) => {
  t.test(
    "a failed step is reported in the exception with step, host, rank and last line",
    async (t) => {
      const life = new Life();
      life.nodes.play = (step, rank) =>
        step === "stage" && rank === 1
          ? { exit: 1, tail: ["looking", "there is no template", "make: *** [up] Error 1"] }
          : undefined;
      await life.alloc();
      await life.untilClean();
      const note = "stage failed on node1 (rank 1): exit 1: there is no template";
      t.strictSame(life.job.last("exception")?.context, { type: "usernetes", severity: 0, note });
      t.notOk(life.job.has("start"));
      t.ok(life.record.includes(`settle failed: ${note}`));
      t.strictSame(life.record.slice(-4), [`teardown: usernetes: ${note}`, ...DOWN]);
      t.equal(life.job.last("prolog-finish")?.context?.["status"], 1);
      t.equal(life.job.wrongFinishes, 0);
    },
  );

  t.test("a failed step is tried again after a pause, as often as configured", async (t) => {
    const life = new Life({ config: { attempts: { "kubeadm-join": 3 } } });
    life.nodes.play = (step, rank, attempt) =>
      step === "kubeadm-join" && rank === 2 && attempt < 3 ? { exit: 7 } : undefined;
    await life.alloc();
    await life.untilStarted();
    t.strictSame(
      life.record.filter((line) => line.includes("kubeadm-join on 2")),
      [1, 2, 3].flatMap((n) =>
        n === 1
          ? ["failed kubeadm-join on 2 (1)"]
          : [
              `start kubeadm-join on 2 (${n})`,
              `${n === 3 ? "ok" : "failed"} kubeadm-join on 2 (${n})`,
            ],
      ),
    );
    const [first, second, third] = life.flux.record
      .filter((event) => event.name === "step-start" && event.context.step === "kubeadm-join")
      .map((event) => event.timestamp);
    t.ok((second ?? 0) - (first ?? 0) >= 1);
    t.ok((third ?? 0) - (second ?? 0) >= 2, "the pause grows");
  });

  t.test("the last failed try ends the job", async (t) => {
    const life = new Life();
    life.nodes.play = (step, rank) =>
      step === "up" && rank === 0 ? { exit: 2, tail: ["no space left on device"] } : undefined;
    await life.alloc();
    await life.untilClean();
    t.equal(
      life.job.last("exception")?.context?.["note"],
      "up failed on node0 (rank 0) (2 tries): exit 2: no space left on device",
    );
  });

  t.test("a step that fails on a lost rank is reported with flux exec's message", async (t) => {
    const life = new Life();
    life.nodes.play = (step, rank) =>
      step === "stage" && rank === 2 ? { lost: "No route to host" } : undefined;
    await life.alloc();
    await life.untilClean();
    t.equal(
      life.job.last("exception")?.context?.["note"],
      "stage failed on node2 (rank 2) (3 tries): No route to host",
    );
  });

  t.test("a failed step stops the steps that still run", async (t) => {
    const life = new Life();
    life.nodes.play = (step, rank) =>
      step === "stage" ? (rank === 1 ? { exit: 1 } : { hangs: true }) : undefined;
    await life.alloc();
    const before = life.clock.now();
    await life.untilClean();
    t.ok(life.record.includes("lost stage on 0,2 (1)"));
    t.ok(life.clock.now() - before < 60, "nobody waits for them");
    t.strictSame(life.record.slice(-3), DOWN);
  });

  t.test("a failed step does not matter if the cluster is ready without it", async (t) => {
    const life = new Life();
    life.nodes.play = (step) => (step === "delete-token" ? { exit: 1 } : undefined);
    await life.alloc();
    await life.untilStarted();
    t.ok(life.record.includes("failed delete-token on 0 (1)"));
    t.equal(life.record.at(-1), "settle ready");
  });
  t.end();
});

t.test("ports in use on a node are replaced", (t) => {
  const portsOf = (life: Life) => life.nodes.environments.map((env) => env["PORT_ETCD"]);

  t.test("ports in use are replaced on all nodes, and running steps are stopped", async (t) => {
    const life = new Life();
    life.nodes.play = (step, rank, attempt) => {
      if (step === "up" && rank === 2 && attempt === 1)
        return { seconds: 1, exit: 2, tail: [TAKEN, "make: *** [up] Error 1"] };
      return step === "kubeadm-init" && attempt === 1 ? { hangs: true } : undefined;
    };
    await life.alloc();
    await life.untilStarted();
    t.strictSame(life.record.slice(0, 13), [
      ...["claim 0-2", "start stage on 0-2 (1)", "ok stage on 0-2 (1)", "start up on 0-2 (1)"],
      ...["ok up on 0-1 (1)", "start kubeadm-init on 0 (1)", "failed up on 2 (1)"],
      ...["lost kubeadm-init on 0 (1)", "claim 0-2"],
      ...["start stage on 0-2 (1)", "ok stage on 0-2 (1)", "start up on 0-2 (1)"],
      "ok up on 0-2 (1)",
    ]);
    t.strictSame([...new Set(portsOf(life))], ["20000", "20004"]);
    t.equal(life.world.open.get(life.jobid)?.claim.ports.etcd, 20004, "its entry has them");
    t.strictSame(
      life.record.filter((line) => line.startsWith("settle")),
      ["settle ready"],
    );
    t.strictSame(faultsOf(life.flux.recordText), []);
  });

  t.test("ports in use are not tried again by the next daemon", async (t) => {
    const life = new Life();
    life.nodes.play = (step, rank, attempt) =>
      step === "up" && rank === 1 && attempt === 1 ? { exit: 2, tail: [TAKEN] } : undefined;
    let claims = 0;
    life.flux.onCommit = (operations) => {
      if (operations.includes("put usernetes.cluster") && ++claims === 2) life.reconciler.leave();
    };
    await life.alloc();
    await life.quiet();
    t.equal(claims, 2);
    await life.restart();
    await life.untilStarted();
    t.strictSame([...new Set(portsOf(life))], ["20000", "20004"]);
  });

  t.test("ports in use fail the job if there are no others", async (t) => {
    const life = new Life({ config: { ports: "default" } });
    const taken = TAKEN.replace("20000", "2379");
    life.nodes.play = (step) => (step === "up" ? { exit: 2, tail: [taken] } : undefined);
    await life.alloc();
    await life.untilClean();
    t.equal(
      life.job.last("exception")?.context?.["note"],
      `up failed on node0 (rank 0): exit 2: ${taken}; no ports are free on its nodes (usernetes.ports)`,
    );
    t.equal(life.record.at(-1), "down, left []");
  });
  t.end();
});

t.test("a subnet in use on a node is replaced", async (t) => {
  const life = new Life();
  life.nodes.play = (step, rank, attempt) =>
    step === "up" && rank === 1 && attempt === 1
      ? { exit: 2, tail: ["Pool overlaps with other one on this address space"] }
      : undefined;
  await life.alloc();
  await life.untilStarted();
  const claims = life.flux.record.filter((event) => event.name === "claim");
  t.strictSame(
    claims.map(({ context }) => context.subnet),
    ["10.100.0.0/24", "10.100.2.0/24"],
    "the block begins after the one that is taken",
  );
  t.strictSame(faultsOf(life.flux.recordText), []);
});

t.test(
  "a job that tolerates a failure starts without the worker that failed permanently",
  async (t) => {
    const life = new Life({ user: { usernetes: "yes", usernetes_tolerate: "1" } });
    life.nodes.play = (step, rank) =>
      step === "kubeadm-join" && rank === 1 ? { exit: 1, tail: ["it is broken"] } : undefined;
    await life.alloc();
    await life.untilStarted();
    const settle = life.flux.record.find((event) => event.name === "settle");
    t.match(settle?.context, { outcome: "ready", without: "1" });
    const last = life.nodes.environments.at(-1);
    t.match(last, { USERNETES_SIZE: "2", USERNETES_WITHOUT: "u7s-node1" });
    t.ok(life.printed.includes("info: ƒ2QT1HSJy5: settle: ready: without ranks 1"));
    t.strictSame(faultsOf(life.flux.recordText), []);
    life.job.finish();
    await life.untilClean();
    t.ok(life.nodes.commands.includes("exec 0-2: down-v"), "it is torn down with the others");
  },
);

t.test(
  "a bring-up that takes too long ends the job and names the step that it waited for",
  async (t) => {
    const life = new Life({ config: { "bring-up-timeout": "2m" } });
    const waits = ["net: 0 of 3 available", "coredns: 0 of 2 available"];
    life.nodes.play = (step) => (step === "wait-ready" ? { waits, hangs: true } : undefined);
    await life.alloc();
    await life.untilClean();
    t.equal(
      life.job.last("exception")?.context?.["note"],
      "timed out after 2m, waiting for wait-ready on node0 (rank 0): coredns: 0 of 2 available",
    );
    t.strictSame(
      life.record.filter((line) => line.includes("waits")),
      waits.map((wait) => `wait-ready waits for ${wait}`),
    );
    t.strictSame(life.record.slice(-3), DOWN);
  },
);

t.test("an archive that cannot be made is tried again", async (t) => {
  const life = new Life();
  let failures = 2;
  life.nodes.archive = (verb) =>
    verb === "create" && failures-- > 0 ? { exitCode: 1, stderr: "flux-archive: no space\n" } : {};
  life.nodes.play = (step) => (step === "kubeadm-join" ? { seconds: 60 } : {});
  await life.alloc();
  await life.untilStarted();
  t.ok(life.record.includes("ok publish-join on 0 (3)"));
});

t.test("an archive that can never be made fails the job", async (t) => {
  const life = new Life();
  life.nodes.archive = () => ({ exitCode: 1, stderr: "flux-archive: no space\n" });
  await life.alloc();
  await life.until(() => life.job.has("exception"));
  t.match(
    life.job.last("exception")?.context?.["note"],
    /^publish-join failed on node0 \(rank 0\) \(3 tries\): flux archive create .*: exit 1: flux-archive: no space$/,
  );
});

t.test("steps of a session that breaks off are repeated in another one", async (t) => {
  const life = new Life();
  let isBroken = false;
  life.nodes.play = (step) => {
    if (step !== "kubeadm-join" || isBroken) return {};
    isBroken = true;
    setImmediate(() => {
      life.nodes.endSessions();
    });
    return { hangs: true };
  };
  await life.alloc();
  await life.untilStarted();
  t.ok(life.record.some((line) => line.startsWith("lost kubeadm-join on ")));
  t.match(life.nodes.commands, ["exec 0-2: stage, up"]);
});

t.test("a cancel ends a job at any point", (t) => {
  t.test("a cancel before alloc only finishes the hold", async (t) => {
    const life = await new Life().begin();
    life.job.exception("cancel", 0);
    await life.untilClean();
    t.strictSame(life.record, []);
    t.strictSame(posts(life), ["post prolog-finish 1"]);
    t.strictSame(life.nodes.commands, []);
  });

  t.test("a cancel before the claim uses nothing on any node", async (t) => {
    const life = await new Life().begin();
    life.job.alloc();
    life.job.exception("cancel", 0, "changed my mind");
    await life.untilClean();
    t.strictSame(life.nodes.commands, []);
    t.strictSame(life.job.events.slice(-2), ["free", "clean"]);
    t.equal(life.job.wrongFinishes, 0);
  });

  t.test("a cancel between the claim and the first step ends the claim", async (t) => {
    const life = new Life();
    life.flux.onCommit = (operations) => {
      if (operations.includes("put usernetes.cluster")) life.job.exception("cancel", 0);
    };
    await life.alloc();
    await life.untilClean();
    t.strictSame(life.record, [
      "claim 0-2",
      "settle canceled: cancel",
      "teardown: cancel",
      ...DOWN,
    ]);
    t.strictSame(life.world.open.all(), []);
    t.equal(life.job.wrongFinishes, 0);
  });

  t.test("a cancel during the bring-up stops running steps and removes the cluster", async (t) => {
    const life = new Life();
    life.nodes.play = (step) => (step === "kubeadm-init" ? { hangs: true } : undefined);
    await life.alloc();
    await life.until(() => life.nodes.started.includes("kubeadm-init 0"));
    life.job.exception("cancel", 0, "by user");
    await life.untilClean();
    t.strictSame(life.record.slice(life.record.indexOf("start kubeadm-init on 0 (1)")), [
      "start kubeadm-init on 0 (1)",
      "settle canceled: cancel: by user",
      "lost kubeadm-init on 0 (1)",
      "teardown: cancel: by user",
      ...DOWN,
    ]);
    t.notOk(life.job.has("start"));
    t.strictSame(posts(life).toSorted(), ["post epilog-finish 0", "post prolog-finish 1"]);
    t.equal(life.job.wrongFinishes, 0);
  });

  t.test("a cancel while the tasks run waits for their end before the teardown", async (t) => {
    const life = await new Life().alloc();
    await life.untilStarted();
    life.job.endsWhenKilled = false;
    life.job.exception("timeout", 0);
    await life.quiet();
    t.notOk(life.nodes.commands.includes("exec 0-2: down-v"));
    life.job.finish();
    await life.untilClean();
    t.strictSame(life.record.slice(-4), ["teardown: timeout", ...DOWN]);
    t.equal(life.job.wrongFinishes, 0);
  });
  t.end();
});

t.test("an exception of a lower severity changes nothing", async (t) => {
  const life = new Life();
  await life.alloc();
  life.job.exception("note", 1, "nothing of importance");
  await life.untilStarted();
  t.equal(life.record.at(-1), "settle ready");
});

t.test("a job that cannot have a cluster never starts", (t) => {
  const refusal = async (life: Life) => {
    await life.alloc();
    await life.untilClean();
    t.notOk(life.job.has("start"));
    t.strictSame(life.record, []);
    t.strictSame(life.world.open.get(life.jobid), undefined);
    return life.job.last("exception")?.context?.["note"];
  };

  t.test("a job whose attribute is not understood never starts", async (t) => {
    const life = await new Life({ user: { usernetes: "maybe" } }).begin();
    await life.untilClean();
    t.equal(
      life.job.last("exception")?.context?.["note"],
      'attributes.user.usernetes: found "maybe", allowed: yes or no (also true, on, 1, false, off, 0), or an object {"engine": ..., "debug": ...}',
    );
    t.strictSame(life.job.events, [
      "submit",
      "prolog-start",
      "exception",
      "prolog-finish",
      "clean",
    ]);
  });

  t.test("a job whose user may not have a cluster never starts", async (t) => {
    t.equal(
      await refusal(new Life({ userid: 1001 })),
      'jobs of uid 1001 cannot have a cluster here: usernetes.run-as is "owner", and the instance belongs to uid 500; set usernetes.run-as = "sudo" for clusters of all users',
    );
  });

  t.test("a job with two ranks on one host never starts", async (t) => {
    t.match(await refusal(new Life({ hosts: ["a", "b", "a"] })), /on the host a:/);
  });

  t.test("a job whose engine is not offered never starts", async (t) => {
    t.equal(
      await refusal(new Life({ user: { usernetes: { engine: "podman" } } })),
      'attributes.user.usernetes_engine: found "podman", allowed here: docker (usernetes.engines)',
    );
  });
  t.end();
});

t.test("a late hold is finished while the job runs, not after", async (t) => {
  const life = new Life();
  life.job.lateHold = true;
  await life.begin();
  life.job.alloc();
  await life.until(() => life.job.has("prolog-finish"));
  t.notOk(life.job.has("finish"));
  t.strictSame(life.job.events.slice(0, 4), ["submit", "alloc", "start", "prolog-start"]);
  life.job.others = 1;
  life.job.finish();
  await life.until(() => life.job.has("epilog-finish"));
  t.equal(life.job.wrongFinishes, 0);
  t.notOk(life.job.has("free"), "the site's own epilog still keeps the nodes");
  t.strictSame(life.record.slice(-1), ["down, left []"]);
});

t.test("a late hold stays unfinished if the job has ended by then", async (t) => {
  const life = new Life();
  life.job.lateHold = true;
  await life.begin();
  life.job.alloc();
  life.job.others = 1;
  life.job.finish();
  await life.until(() => life.job.has("epilog-finish"));
  t.strictSame(posts(life), ["post epilog-finish 0"]);
  t.equal(life.job.wrongFinishes, 0);
});

t.test("a restarted daemon continues each cluster", (t) => {
  t.test("a restarted daemon does not repeat finished steps", async (t) => {
    const life = new Life();
    life.nodes.play = (step, rank, attempt) =>
      step === "kubeadm-join" && rank === 2 && attempt === 1 ? { hangs: true } : undefined;
    await life.alloc();
    await life.until(() => life.record.includes("ok kubeadm-join on 1 (1)"));
    await life.restart();
    await life.untilStarted();
    t.strictSame(
      life.nodes.started.filter((step, i) => life.nodes.started.indexOf(step) !== i),
      ["kubeadm-join 2"],
      "only the one that was under way",
    );
    t.equal(life.nodes.archived.length, 1);
    life.job.finish();
    await life.untilClean();
  });

  t.test("a restarted daemon makes a join-command again that was in memory only", async (t) => {
    const life = new Life();
    let release: () => void = () => undefined;
    const archive = { startedSteps: false };
    const { run } = life.nodes;
    life.world.run = async (command, options) => {
      archive.startedSteps ||= command.argv[2] === "create";
      if (command.argv[2] === "create")
        await new Promise<void>((resolve) => {
          release = resolve;
          options?.signal?.addEventListener("abort", () => {
            resolve();
          });
        });
      return run(command, options);
    };
    await life.alloc();
    // From here on, the old daemon writes no file while the next daemon writes its file.
    while (!archive.startedSteps || !life.record.includes("start publish-join on 0 (1)")) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      life.clock.advance(300);
    }
    life.world.run = run;
    const restarted = life.restart();
    release();
    await restarted;
    await life.untilStarted();
    t.equal(life.nodes.started.filter((step) => step === "join-command 0").length, 2);
    t.equal(life.nodes.started.filter((step) => step === "kubeadm-init 0").length, 1);
  });

  t.test("a restarted daemon leaves a ready cluster unchanged", async (t) => {
    const life = await new Life().alloc();
    await life.untilStarted();
    const { length } = life.nodes.commands;
    await life.restart();
    await life.quiet();
    t.equal(life.nodes.commands.length, length);
    life.job.finish();
    await life.untilClean();
    t.strictSame(life.nodes.commands.slice(length), ["exec 0-2: down-v"]);
  });

  t.test("a restarted daemon tears down a job that has ended", async (t) => {
    const life = await new Life().alloc();
    await life.untilStarted();
    life.reconciler.leave();
    life.job.finish();
    await life.restart();
    await life.untilClean();
    t.strictSame(life.record.slice(-4), ["teardown: finish", ...DOWN]);
    t.equal(life.job.wrongFinishes, 0);
  });

  t.test("a restarted daemon completes an interrupted teardown", async (t) => {
    const life = new Life();
    life.nodes.play = (step, rank, attempt) =>
      step === "down-v" && rank === 1 && attempt === 1 ? { hangs: true } : undefined;
    await life.alloc();
    await life.untilStarted();
    life.job.finish();
    await life.until(() => life.record.includes("ok down-v on 0,2 (1)"));
    await life.restart();
    await life.untilClean();
    t.equal(life.nodes.commands.at(-1), "exec 1: down-v");
  });

  t.test("a restarted daemon keeps the deadline of the claim", async (t) => {
    const life = new Life({ config: { "bring-up-timeout": "10m" } });
    life.nodes.play = (step) => (step === "wait-ready" ? { hangs: true } : undefined);
    await life.alloc();
    const begin = life.clock.now();
    await life.until(() => life.nodes.started.includes("wait-ready 0"));
    life.clock.advance(400_000);
    await life.restart();
    await life.until(() => life.job.has("exception"));
    t.equal(Math.round(life.clock.now() - begin), 600);
  });
  t.end();
});

t.test("a daemon that exits stops its calls and logs nothing more", async (t) => {
  const life = new Life();
  life.nodes.play = (step) => (step === "up" ? { hangs: true } : undefined);
  await life.alloc();
  await life.until(() => life.nodes.started.includes("up 0"));
  const { length } = life.flux.requests;
  life.reconciler.leave();
  await life.quiet();
  life.clock.advance(3_600_000);
  await life.quiet();
  t.strictSame(
    life.flux.requests.slice(length).filter((request) => !request.startsWith("commit append")),
    [],
  );
  t.notOk(life.job.has("exception"));
  t.strictSame(life.nodes.commands, ["exec 0-2: stage, up"]);
});

t.test("a job may ask for debug", (t) => {
  t.test("a debug job is held when its cluster is up, until it is released", async (t) => {
    const life = await new Life({ user: { usernetes: "yes", usernetes_debug: "yes" } }).alloc();
    await life.until(() => life.record.at(-1) === "settle ready");
    life.clock.advance(3_600_000);
    await life.quiet();
    t.notOk(life.job.has("start"));
    t.strictSame(life.flux.memos.at(-1), { usernetes: { state: "held" } });
    life.job.post("memo", { usernetes: { release: "true" } });
    await life.untilStarted();
    life.job.finish();
    await life.untilClean();
  });

  t.test("a debug job is held when its cluster failed, and its resources stay", async (t) => {
    const life = new Life({ user: { usernetes: { debug: true } } });
    life.nodes.play = (step) => (step === "kubeadm-init" ? { exit: 1 } : undefined);
    await life.alloc();
    await life.until(() => life.record.some((line) => line.startsWith("settle failed")));
    life.clock.advance(3_600_000);
    await life.quiet();
    t.notOk(life.job.has("exception"));
    t.notOk(life.nodes.started.some((step) => step.startsWith("down-v")));
    life.job.post("memo", { usernetes: { release: true } });
    await life.untilClean();
    t.match(life.job.last("exception")?.context?.["note"], /^kubeadm-init failed/);
  });

  t.test("a debug job can be canceled while it is held", async (t) => {
    const life = await new Life({ user: { usernetes: "yes", usernetes_debug: "1" } }).alloc();
    await life.until(() => life.record.at(-1) === "settle ready");
    life.job.exception("cancel", 0);
    await life.untilClean();
    t.strictSame(life.record.slice(-2), ["settle ready", "down, left [0,1,2]"]);
    t.notOk(
      life.nodes.started.some((step) => step.startsWith("down-v")),
      "it is kept",
    );
    t.strictSame(life.archives, [], "but no join-command");
    t.match(life.world.open.all(), [{ left: [0, 1, 2], kept: true }]);
  });
  t.end();
});

t.test("a user's other memos release nothing", async (t) => {
  const life = await new Life({ user: { usernetes: { debug: true } } }).alloc();
  await life.until(() => life.record.at(-1) === "settle ready");
  for (const usernetes of ["release", { release: "no" }, { release: 1 }, null, ["release"]])
    life.job.post("memo", { usernetes });
  await life.quiet();
  t.notOk(life.job.has("start"));
});

t.test("a job with a time limit gets the held time back once", async (t) => {
  const life = new Life({ duration: 3600 });
  life.nodes.play = (step) => (step === "up" ? { seconds: 40 } : undefined);
  await life.begin();
  life.clock.advance(100_000);
  life.job.alloc();
  const allocated = life.clock.now();
  await life.untilStarted();
  const held = Math.ceil((life.flux.record.at(-1)?.timestamp ?? 0) - allocated);
  t.ok(held >= 40 && held < 50);
  t.strictSame(
    life.flux.requests.filter((request) => request.startsWith("update")),
    [`update {"attributes.system.duration":${3600 + held}}`],
  );
  t.ok(
    life.job.events.indexOf("jobspec-update") < life.job.events.indexOf("prolog-finish"),
    "before it starts",
  );
  await life.restart();
  life.clock.advance(100_000);
  await life.quiet();
  t.notOk(life.flux.requests.includes("expire "));
  t.equal(life.flux.requests.filter((request) => request.startsWith("update")).length, 1);
});

t.test(
  "a job with the held time back ends at its own limit, even if Flux's is later",
  async (t) => {
    const life = await new Life({ duration: 6 }).alloc();
    await life.untilStarted();
    await life.restart();
    life.clock.advance(5_900);
    await life.quiet();
    t.notOk(life.flux.requests.includes("expire "));
    life.clock.advance(200);
    await life.untilClean();
    t.equal(life.flux.requests.filter((request) => request === "expire ").length, 1);
    t.match(life.job.last("exception"), { context: { type: "timeout", severity: 0 } });
  },
);

t.test("a job may start with its original time limit", (t) => {
  const updates = (life: Life) =>
    life.flux.requests.filter((request) => request.startsWith("update")).length;

  t.test("a job keeps its time limit if the site configures so", async (t) => {
    const life = await new Life({ duration: 60, config: { "extend-time-limit": false } }).alloc();
    await life.untilStarted();
    t.equal(updates(life), 0);
  });

  t.test("a job keeps its time limit if Flux allows no other", async (t) => {
    const life = new Life({ duration: 60 });
    life.flux.fail("update", 1, new FluxError(22, "requested duration exceeds policy limit"));
    await life.alloc();
    await life.untilStarted();
    t.equal(updates(life), 1);
    t.match(
      life.printed.join("\n"),
      /^warn: .*: the time limit stays 60 s: .* exceeds policy limit$/m,
    );
  });
  t.end();
});

t.test("a teardown uses the values of its bring-up, whatever is configured by then", async (t) => {
  const life = new Life();
  life.world.site = { ...life.world.site, base: { PATH: "/opt/bin", STORE: "one" } };
  life.reconciler = life.newReconciler();
  await life.alloc();
  await life.untilStarted();
  life.world = {
    ...life.world,
    config: { ...life.world.config, teardownTimeoutMs: 7_000 },
    site: { ...life.world.site, base: { PATH: "/usr/bin" }, template: "/other", interface: "ib0" },
  };
  await life.restart();
  const before = life.nodes.environments.length;
  life.job.finish();
  await life.untilClean();
  t.match(life.nodes.environments.slice(before), [
    { PATH: "/opt/bin", STORE: "one", USERNETES_TEMPLATE: "/opt/usernetes" },
  ]);
  t.notOk("USERNETES_INTERFACE" in (life.nodes.environments[before] ?? {}));
  t.match(
    life.flux.record.find(({ name }) => name === "teardown-start"),
    { context: { timeout: 300 } },
  );
});

t.test("a job uses the template that it names until its cluster is down", async (t) => {
  const calico = {
    ...{ template: "/opt/calico", make: { network: "install-calico" } },
    "port-variables": ["PORT_CALICO"],
  };
  const life = new Life({
    config: { templates: { calico } },
    user: { usernetes: "yes", usernetes_template: "calico" },
  });
  await life.alloc();
  await life.untilStarted();
  t.equal(life.cluster.claim?.ports["PORT_CALICO"], 20004);
  life.world = { ...life.world, config: { ...life.world.config, templates: {} } };
  await life.restart();
  // claim-others makes this call to choose other ports after a conflict.
  const claim = life.cluster.claim;
  t.notOk(claim && "refused" in take(life.cluster, life.world, claim));
  life.job.finish();
  await life.untilClean();
  for (const env of life.nodes.environments)
    t.match(env, {
      ...{ USERNETES_TEMPLATE: "/opt/calico", USERNETES_MAKE_NETWORK: "install-calico" },
      PORT_CALICO: "20004",
    });
});

t.test("a job that names a template that is not allowed never starts", async (t) => {
  const life = new Life({ user: { usernetes: "yes", usernetes_template: "/etc" } });
  await life.alloc();
  await life.until(() => life.job.has("exception"));
  t.match(
    life.printed.join("\n"),
    'attributes.user.usernetes_template: found "/etc", allowed here: the site has one template (usernetes.templates), and no directory of your own (usernetes.user-templates)',
  );
  t.notOk(life.cluster.claim);
  t.strictSame(life.nodes.environments, []);
});

t.test("only the user's own steps read a user's template", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "usernetes-template-"));
  t.teardown(() => {
    rmSync(directory, { recursive: true });
  });
  // A daemon that opened this FIFO would wait forever.
  execFileSync("mkfifo", [join(directory, "kubeadm-config.yaml")]);
  const life = new Life({
    config: { "user-templates": true },
    user: { usernetes: "yes", usernetes_template: directory },
  });
  await life.alloc();
  await life.untilStarted();
  t.match(life.nodes.environments[0], {
    ...{ USERNETES_TEMPLATE: directory, USERNETES_USER_TEMPLATE: "yes" },
  });
  await life.restart();
  life.job.finish();
  await life.untilClean();
  t.match(life.nodes.environments.at(-1), { USERNETES_TEMPLATE: directory });
});

t.test("a bring-up continues with the targets that it started with", async (t) => {
  const life = new Life({ config: { make: { up: "up-built", network: "" } } });
  await life.alloc();
  await life.until(() => life.nodes.started.includes("kubeadm-init 0"));
  life.world = { ...life.world, site: { ...life.world.site, options: DEFAULT_OPTIONS } };
  await life.restart();
  await life.untilStarted();
  for (const { USERNETES_MAKE_UP, USERNETES_MAKE_NETWORK } of life.nodes.environments)
    t.strictSame([USERNETES_MAKE_UP, USERNETES_MAKE_NETWORK], ["up-built", ""]);
  t.notOk(life.nodes.started.some((step) => step.startsWith("install-flannel")));
});

t.test("a claim that could not be written occupies no ports", async (t) => {
  const life = await new Life({ config: { ports: "default" } }).begin();
  life.flux.fail("commit", 2);
  life.job.alloc();
  await life.untilStarted();
  t.strictSame(life.cluster.claim?.ports, {
    ...{ etcd: 2379, kubelet: 10250, flannel: 8472, apiserver: 6443 },
  });
});

t.test("an R that cannot be read ends the job", async (t) => {
  const life = new Life({ ranks: [0, 1], hosts: ["a"] });
  await life.alloc();
  await life.untilClean();
  t.equal(life.job.last("exception")?.context?.["note"], "the job's R: R has 2 ranks but 1 hosts");
});

t.test("a request that Flux does not answer is repeated", (t) => {
  for (const verb of ["lookup", "commit", "update", "post"] as const)
    t.test(`the request ${verb} is repeated`, async (t) => {
      const life = await new Life({ duration: 60 }).begin();
      life.flux.fail(verb, 3);
      life.job.alloc();
      await life.untilStarted();
      t.ok(life.printed.some((line) => /^warn: .*: the bridge ended; again in /.test(line)));
      life.flux.fail(verb, 2);
      life.job.finish();
      await life.untilClean();
      t.strictSame(life.record.slice(-1), ["down, left []"]);
      t.equal(life.job.wrongFinishes, 0);
    });

  t.test("the request raise is repeated", async (t) => {
    const life = new Life();
    life.nodes.play = () => ({ exit: 1 });
    life.flux.fail("raise", 2);
    await life.alloc();
    await life.untilClean();
    t.equal(life.job.events.filter((name) => name === "exception").length, 1);
    t.strictSame(
      life.printed
        .filter((line) => line.includes("again in"))
        .map((line) => line.split("again")[1]),
      [" in 500ms", " in 1s"],
    );
  });
  t.end();
});

t.test("a job that has ended when it is released is not an error", async (t) => {
  const life = await new Life().begin();
  life.flux.fail("post", 1, new FluxError(2, "unknown job"));
  life.job.exception("cancel", 0);
  await life.quiet();
  life.clock.advance(600_000);
  await life.quiet();
  t.strictSame(posts(life), ["post prolog-finish 1"]);
  t.notOk(life.printed.some((line) => line.startsWith("warn")));
});

t.test("a job continues although its memo cannot be written", async (t) => {
  const life = new Life();
  life.flux.fail("memo", 100);
  await life.alloc();
  await life.untilStarted();
  life.job.finish();
  await life.untilClean();
  t.equal(life.record.at(-1), "down, left []");
});

t.test("a failed teardown keeps the cluster's entry", (t) => {
  const failing = async (config: Record<string, unknown>) => {
    const life = new Life({ config });
    life.nodes.play = (step, rank) =>
      step === "down-v" && rank === 1
        ? { exit: 1, tail: ["left behind: network usernetes-2qt1hsjy5_default"] }
        : undefined;
    await life.alloc();
    await life.untilStarted();
    life.job.finish();
    await life.untilClean();
    return life;
  };

  t.test("a failed teardown is tried twice, drains the node, and keeps the entry", async (t) => {
    const life = await failing({});
    t.strictSame(life.record.slice(-6), [
      "start down-v on 0-2 (1)",
      "ok down-v on 0,2 (1)",
      "failed down-v on 1 (1)",
      "start down-v on 1 (2)",
      "failed down-v on 1 (2)",
      "down, left [1]",
    ]);
    t.strictSame(
      life.flux.requests.filter((request) => request.startsWith("drain ")),
      [
        "drain 1 usernetes: teardown of ƒ2QT1HSJy5 failed: exit 1: left behind: network usernetes-2qt1hsjy5_default",
      ],
    );
    const entry = life.flux.kvs.get("usernetes.cluster.179836689580032");
    t.match(JSON.parse(entry ?? "null"), { jobid: "179836689580032", left: [1] });
    t.ok(life.world.open.get(life.jobid), "nobody else gets its ports on that node");
    t.equal(life.job.wrongFinishes, 0);
  });

  t.test("a failed teardown drains no node if sudo allowed no step there", async (t) => {
    const life = new Life({ userid: 1002, config: { "run-as": "sudo" } });
    life.nodes.play = (_, rank) =>
      rank === 1 ? { exit: 1, tail: ["sudo: a password is required; the rule"] } : undefined;
    await life.alloc();
    await life.untilClean();
    t.equal(life.record.at(-1), "down, left [1]");
    t.notOk(life.flux.requests.some((request) => request.startsWith("drain ")));
    t.strictSame(new Set(life.nodes.users), new Set(["1002"]), "all of it as the job's user");
  });

  t.test("a failed teardown drains no node if the site configures so", async (t) => {
    const life = await failing({ drain: false });
    t.notOk(life.flux.requests.some((request) => request.startsWith("drain ")));
    t.equal(life.record.at(-1), "down, left [1]");
  });
  t.end();
});

t.test("the record is as docs/record.md describes, whatever happens", async (t) => {
  for (const [step, rank] of [
    ["stage", 1],
    ["kubeadm-init", 0],
    ["fetch-join", 2],
    ["wait-ready", 0],
  ] as const)
    for (const part of [{ exit: 1 }, { exit: 124 }, { lost: "gone" }, { hangs: true }]) {
      const life = new Life();
      life.nodes.play = (name, on) => (name === step && on === rank ? part : undefined);
      await life.alloc();
      await life.untilClean();
      t.strictSame(faultsOf(life.flux.recordText), []);
      t.match(life.record.at(-1), /^down/);
    }
});

t.test("the record can be read while it is written", async (t) => {
  const life = await new Life().alloc();
  await life.until(() => life.record.includes("ok stage on 0-2 (1)"));
  const lines = life.flux.recordText.trimEnd().split("\n");
  t.ok(life.flux.recordText.endsWith("\n"));
  t.equal(lines.length, life.flux.record.length);
  t.strictSame(life.flux.record.map(describeEvent), life.record);
});

t.test(
  "a cancel while the join-command is published waits for it without a busy loop",
  async (t) => {
    const life = new Life();
    const { run } = life.nodes;
    let release: (() => void) | undefined;
    life.world.run = async (command, options) => {
      if (command.argv[2] === "create")
        await new Promise<void>((resolve) => {
          release = resolve;
        });
      return run(command, options);
    };
    await life.alloc();
    while (!release) await new Promise((resolve) => setTimeout(resolve, 1));
    let reads = 0;
    const now = life.clock.now.bind(life.clock);
    life.clock.now = () => {
      reads++;
      return now();
    };
    life.job.exception("cancel", 0);
    await new Promise((resolve) => setTimeout(resolve, 100));
    t.ok(reads < 100, `it looked at the clock ${reads} times`);
    release();
    await life.untilClean();
  },
);

t.test("a node that is lost while its cluster comes up is named, and cleaned later", async (t) => {
  const life = await new Life().alloc();
  life.nodes.play = (step, rank) => (step === "up" && rank === 2 ? { hangs: true } : undefined);
  await life.until(() => life.record.includes("ok stage on 0-2 (1)"));
  life.nodes.play = () => undefined;
  life.world.nodes.set([0, 1]);
  await life.untilClean();
  t.match(
    life.flux.requests.join("\n"),
    /raise node2 \(rank 2\) was lost while its cluster came up/,
  );
  t.strictSame(life.record.slice(-2), ["ok down-v on 0-1 (1)", "down, left [2]"]);
  t.equal(life.world.open.all().length, 1, "its entry stays");
  t.notMatch(life.flux.requests.join("\n"), /drain [0-9]/, "a node that is gone needs no draining");

  life.world.nodes.set([0, 1, 2]);
  life.done = false;
  await life.restart();
  life.reconciler.reopen([2]);
  await life.untilClean();
  t.strictSame(life.record.slice(-2), ["ok down-v on 2 (1)", "down, left []"]);
  t.equal(life.world.open.all().length, 0);
});

t.test(
  "a hold whose finish was posted is not finished twice, even without an answer",
  async (t) => {
    const life = new Life();
    const { flux, job } = life;
    const post = flux.post.bind(flux);
    let posts = 0;
    // The job's events are late, too: they come after the daemon's retry.
    let known = 0;
    flux.post = async (...args) => {
      if (++posts === 1) {
        known = job.eventlog.length;
        job.follow(known, () => undefined);
      }
      await post(...args);
      if (posts === 1) throw new Error("the bridge ended");
    };
    const lookup = flux.lookup.bind(flux);
    flux.lookup = (key) =>
      key.endsWith(".eventlog") && !key.includes("usernetes")
        ? Promise.resolve(job.eventlog.map((event) => `${JSON.stringify(event)}\n`).join(""))
        : lookup(key);
    await life.alloc();
    await life.until(() => job.has("start"));
    const later = life.clock.now() + 20;
    life.clock.after(20_000, () => undefined);
    await life.until(() => life.clock.now() >= later);
    t.equal(job.events.filter((name) => name === "prolog-finish").length, 1);
    job.follow(known, (event) => {
      life.reconciler.onJobEvent(event);
    });
    flux.post = post;
    job.finish();
    await life.untilClean();
    t.equal(job.wrongFinishes, 0);
  },
);
