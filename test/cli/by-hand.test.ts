/** `usernetes` by hand: its verbs, options and messages, with stand-ins for make and the engine. */
import { until } from "../hosts/until.js";
import { execa } from "execa";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import { rowOf, type NodeStep } from "../../lib/cluster/steps.js";
import { packagePath } from "../../lib/host/package.js";
import { items } from "../../lib/install/items.js";
import type { StepRequest } from "../../lib/node/protocol.js";
import { stepRequest, withoutComments } from "../../lib/node/scripts.js";
import { engine, ENGINES } from "../../lib/usernetes/engine.js";
import { ByHand } from "../fakes/by-hand.js";
import { TEMPLATE } from "../sandbox/paths.js";

const TOKEN = /[a-z0-9]{6}\.[a-z0-9]{16}|sha256:[0-9a-f]{64}/;
/** The defaults of usernetes.teardown-timeout and usernetes.bring-up-timeout. */
const [TEARDOWN_S, BRING_UP_S] = [300, 900];
const readPart = (name: string) =>
  readFileSync(packagePath("lib/node/steps", `${name}.sh`), "utf8");
const OR_NONE = { reject: false } as const;
const alone = (hand: ByHand) => [
  "start-control-plane",
  "--workdir",
  hand.workdir,
  "--worker-count=0",
];

t.test("usernetes by hand takes the daemon's steps, scripts and limits", async (t) => {
  const program = `import json, sys; sys.path[:0] = [sys.argv[1], sys.argv[1] + "/agent"]; import by_hand_steps
print(json.dumps({step: by_hand_steps.request_of(step) for step in sys.argv[2:]}))`;
  const steps: NodeStep[] = [
    ...(["stage", "up", "kubeadm-init", "kubeconfig", "join-command", "kubeadm-join"] as const),
    ...(["sync-external-ip", "install-flannel", "wait-nodes", "wait-ready", "down-v"] as const),
  ];
  const argv = ["-B", "-c", program, packagePath("lib", "node"), ...steps];
  const { stdout } = await execa("python3", argv);
  const requests = JSON.parse(stdout) as Record<string, StepRequest>;
  for (const step of steps) {
    const { script = "", ...request } = requests[step] ?? {};
    const limit = rowOf(step).limitS ?? (step === "down-v" ? TEARDOWN_S : BRING_UP_S);
    const { script: daemons = "", ...expected } = stepRequest(step, limit, { env: {} });
    t.strictSame(request, expected, step);
    if (step !== "up") t.equal(withoutComments(script), daemons, step);
    else for (const part of ["parts/removed-by-hand", "up"]) t.match(script, readPart(part));
  }
});

t.test("a cluster of one is Ready when start-control-plane ends", async (t) => {
  const hand = new ByHand(t);
  const { exitCode, stdout, stderr } = await hand.run(alone(hand));
  t.equal(exitCode, 0, stderr);
  t.equal(stdout, "", "results only");
  t.match(stderr, /^usernetes: up: node0: ok in [0-9]+\.[0-9] s$/m);
  t.match(await hand.nodes(), /u7s-node0 +Ready/);
  t.equal(statSync(join(hand.workdir, "kubeconfig")).mode & 0o777, 0o600);
  t.strictSame(hand.starts, [
    ...["node0 up", "node0 kubeadm-init", "node0 kubeconfig", "node0 join-command"],
    ...["node0 sync-external-ip", "node0 install-flannel"],
  ]);
});

t.test("up and the network use the make targets that the caller names", async (t) => {
  const hand = new ByHand(t);
  for (const [network, serial] of [
    ["install-calico", ""],
    ["install-calico", "--serial"],
    ["", ""],
    ["", "--serial"],
  ] as const) {
    const env = { USERNETES_MAKE_UP: "up-built", USERNETES_MAKE_NETWORK: network };
    const before = hand.starts.length;
    if (network === "") writeFileSync(join(hand.testbed, "networked"), "");
    const { exitCode, stderr } = await hand.run([...alone(hand), ...(serial ? [serial] : [])], {
      env,
    });
    t.equal(exitCode, 0, stderr);
    const startedSteps = hand.starts.slice(before);
    t.equal(startedSteps[0], "node0 up-built");
    t.equal(startedSteps.includes("node0 install-calico"), network !== "");
    t.notOk(startedSteps.includes("node0 install-flannel"));
    t.equal((await hand.run(["down", "--workdir", hand.workdir], { env })).exitCode, 0);
  }
  const refused = await hand.run(alone(hand), { env: { USERNETES_MAKE_NETWORK: "-n" } });
  t.equal(refused.exitCode, 2);
  t.match(refused.stderr, 'USERNETES_MAKE_NETWORK: found "-n", allowed: a target of the template');
});

t.test(
  "nodes that share a directory wait for each other, in whatever order they start",
  async (t) => {
    const hand = new ByHand(t);
    const worker = ["start-worker", "--workdir", hand.workdir];
    const first = hand.start(worker, { host: "node1" });
    await sleep(700);
    const control = hand.start(["start-control-plane", "--workdir=clone", "--worker-count", "2"]);
    await sleep(700);
    const last = hand.start(worker, { host: "node2" });
    for (const started of [first, control, last]) {
      const { exitCode, stderr } = await started;
      t.equal(exitCode, 0, stderr);
      t.notMatch(stderr, TOKEN);
    }
    t.match((await first).stderr, `waiting for ${hand.workdir}/join-command`);
    t.match((await control).stderr, /waiting for workers in .*worker-ready-cache: [01] of 2/);
    t.strictSame(readdirSync(join(hand.workdir, "worker-ready-cache")).toSorted(), [
      ...["u7s-node1.ready.txt", "u7s-node2.ready.txt"],
    ]);
    t.equal((await hand.nodes()).match(/u7s-node[0-2] +Ready/g)?.length, 3);
    const place = (step: string) => hand.starts.lastIndexOf(step);
    t.ok(
      place("node0 sync-external-ip") > place("node2 kubeadm-join"),
      "addresses when all joined",
    );
    t.ok(place("node0 install-flannel") > place("node0 sync-external-ip"), "flannel after them");

    t.test("usernetes by hand does not repeat finished steps", async (t) => {
      const before = hand.starts.filter((step) => /kubeadm|flannel/.test(step));
      const again = ["start-control-plane", "--workdir", hand.workdir, "--worker-count", "2"];
      t.equal((await hand.run(again)).exitCode, 0);
      t.equal((await hand.run(worker, { host: "node1" })).exitCode, 0);
      t.equal((await hand.run(["wait-workers", ...again.slice(1)])).exitCode, 0);
      t.strictSame(
        hand.starts.filter((step) => /kubeadm|flannel/.test(step)),
        before,
      );
    });

    t.test("a node that was taken down with make is brought up again", async (t) => {
      for (const host of ["node0", "node1", "node2"]) await hand.make("down", host);
      const started = [
        hand.run(["start-control-plane", "--workdir", hand.workdir, "--worker-count", "1"]),
        hand.run(worker, { host: "node1" }),
      ];
      for (const { exitCode, stderr } of await Promise.all(started)) t.equal(exitCode, 0, stderr);
      t.equal((await hand.nodes()).match(/Ready/g)?.length, 2, "and has nothing of the one before");
    });

    t.test("a worker that started with an old join command joins with the new one", async (t) => {
      for (const host of ["node0", "node1"]) await hand.make("down", host);
      // The worker checks the join command's file after each sleep. The file is absent for longer
      // than one sleep.
      hand.takes("kubeadm-join", 4);
      hand.takes("kubeadm-init", 6);
      const joins = () => hand.starts.filter((step) => step === "node1 kubeadm-join").length;
      const before = joins();
      const early = hand.start(worker, { host: "node1" });
      await until("it joins", () => joins() > before);
      const control = ["start-control-plane", "--workdir", hand.workdir, "--worker-count", "1"];
      const { exitCode, stderr } = await hand.run(control);
      t.equal(exitCode, 0, stderr);
      const joined = await early;
      t.equal(joined.exitCode, 0, joined.stderr);
      t.match(joined.stderr, /join-command changed; retrying with the new join command/);
      t.equal((await hand.nodes()).match(/Ready/g)?.length, 2);
      for (const target of ["kubeadm-join", "kubeadm-init"]) hand.takes(target, 0);
    });

    t.test("down takes each node down and leaves the clone unchanged", async (t) => {
      for (const host of ["node0", "node1", "node2"]) {
        const { exitCode, stderr } = await hand.run(["down", "--workdir", hand.workdir], { host });
        t.equal(exitCode, 0, stderr);
      }
      t.strictSame(hand.left, []);
      t.strictSame(readdirSync(hand.workdir).toSorted(), readdirSync(TEMPLATE).toSorted());
      t.equal((await hand.run(["down", "--workdir", hand.workdir])).exitCode, 0, "twice, too");
    });
  },
);

t.test("start-control-plane --serial does not wait, and wait-workers does the rest", async (t) => {
  const hand = new ByHand(t);
  const args = ["--workdir", hand.workdir, "--worker-count", "1"];
  t.equal((await hand.run(["start-control-plane", ...args, "--serial"])).exitCode, 0);
  t.notOk(hand.starts.includes("node0 sync-external-ip"));
  t.equal((await hand.run(["start-worker", "--workdir=clone"], { host: "node1" })).exitCode, 0);
  t.equal((await hand.run(["wait-workers", ...args])).exitCode, 0);
  t.equal((await hand.nodes()).match(/ Ready/g)?.length, 2);
  t.equal(hand.starts.filter((step) => step === "node0 install-flannel").length, 1);
  const lost = await hand.run(["wait-workers", ...args], { host: "node9" });
  t.equal(lost.exitCode, 1);
  t.match(lost.stderr, /has no control plane on node9: run usernetes start-control-plane first/);
});

t.test("clean removes what its options name", (t) => {
  t.test("clean removes the cache of workers and nothing else", async (t) => {
    const hand = new ByHand(t);
    await hand.run(alone(hand));
    const args = ["clean", "--workdir", hand.workdir];
    for (const more of [[], ["--keep-node"], ["--keep-node", "yes"]]) {
      mkdirSync(join(hand.workdir, "worker-ready-cache"), { recursive: true });
      const { exitCode, stderr } = await hand.run([...args, ...more]);
      t.equal(exitCode, 0, stderr);
      t.notOk(existsSync(join(hand.workdir, "worker-ready-cache")));
      t.ok(existsSync(join(hand.workdir, "kubeconfig")));
      t.strictSame(hand.left, ["node0 clone"]);
    }
  });

  t.test("clean --all removes the node and the directory, and can be repeated", async (t) => {
    const hand = new ByHand(t);
    await hand.run(alone(hand));
    for (const time of ["first", "second"]) {
      const { exitCode, stderr } = await hand.run(["clean", "--workdir", hand.workdir, "--all"]);
      t.equal(exitCode, 0, `${time}: ${stderr}`);
      t.strictSame(hand.left, []);
      t.notOk(existsSync(hand.workdir));
    }
  });

  t.test("clean --all is refused with --keep-node, and where there is no clone", async (t) => {
    const hand = new ByHand(t);
    const both = await hand.run(["clean", "--workdir", hand.workdir, "--all", "--keep-node"]);
    t.equal(both.exitCode, 2);
    t.match(
      both.stderr,
      /^usernetes: clean: to keep the node \(--keep-node\) the work directory must/,
    );
    const other = join(hand.directory, "papers");
    mkdirSync(other);
    const wrong = await hand.run(["clean", "--workdir", other, "--all"]);
    t.equal(wrong.exitCode, 1);
    t.match(wrong.stderr, `docker-compose.yaml does not exist in ${other}: not a usernetes clone`);
    for (const kept of [hand.workdir, other]) t.ok(existsSync(kept));
  });
  t.end();
});

t.test("the work directory may be a clone, a copy or a shared directory", (t) => {
  t.test(
    "the work directory must exist, unless USERNETES_TEMPLATE names a clone to copy",
    async (t) => {
      const hand = new ByHand(t);
      const workdir = join(hand.directory, "new");
      const args = ["start-control-plane", "--workdir", workdir, "--worker-count=0"];
      const none = await hand.run(args);
      t.strictSame([none.exitCode, none.stdout], [1, ""]);
      t.equal(
        none.stderr,
        `usernetes: the work directory ${workdir} does not exist: clone usernetes there, or set USERNETES_TEMPLATE to a clone to copy`,
      );
      mkdirSync(workdir);
      t.match((await hand.run(args)).stderr, `docker-compose.yaml does not exist in ${workdir}`);
      const staged = await hand.run(args, { env: { USERNETES_TEMPLATE: TEMPLATE } });
      t.equal(staged.exitCode, 0, staged.stderr);
      t.match(staged.stderr, "stage: node0: ok");
      t.equal((await hand.run(["down", "--workdir", workdir])).exitCode, 0);
      t.notOk(existsSync(workdir), "a copy goes with its cluster");
      t.strictSame(hand.left, []);
    },
  );

  t.test("the work directory may have a long path", async (t) => {
    const hand = new ByHand(t);
    const workdir = join(hand.directory, "a".repeat(200), "b".repeat(200), "new");
    mkdirSync(workdir, { recursive: true });
    const env = { USERNETES_TEMPLATE: TEMPLATE };
    const up = ["start-control-plane", "--workdir", workdir, "--worker-count=0"];
    hand.fault("node0.kubeadm-init", "exit 1 once");
    t.equal((await hand.run(up, { env })).exitCode, 1);
    // Without this file, the copy of the template looks as if it had been interrupted.
    rmSync(join(workdir, ".usernetes/staged"));
    const again = await hand.run(up, { env });
    t.equal(again.exitCode, 0, again.stderr);
    t.equal((await hand.run(["down", "--workdir", workdir])).exitCode, 0);
    t.strictSame(hand.left, []);
    t.notOk(existsSync(workdir));
  });

  t.test("one node makes the work directory that several nodes share", async (t) => {
    const hand = new ByHand(t);
    const workdir = join(hand.directory, "new");
    const env = { USERNETES_TEMPLATE: TEMPLATE };
    const started = [
      hand.run(["start-control-plane", "--workdir", workdir, "--worker-count=2"], { env }),
      hand.run(["start-worker", "--workdir", workdir], { host: "node1", env }),
      hand.run(["start-worker", "--workdir", workdir], { host: "node2", env }),
    ];
    for (const { exitCode, stderr } of await Promise.all(started)) t.equal(exitCode, 0, stderr);
  });

  t.test("only the daemon changes the work directory of a job's cluster", async (t) => {
    const hand = new ByHand(t);
    mkdirSync(join(hand.workdir, ".usernetes"));
    writeFileSync(join(hand.workdir, ".usernetes/owner"), "123 instance node0\n");
    for (const args of [
      alone(hand),
      ["down", "--workdir", hand.workdir],
      ["clean", "--all", "--workdir=clone"],
    ]) {
      const { exitCode, stderr } = await hand.run(args);
      t.equal(exitCode, 1);
      t.match(stderr, `${hand.workdir} is managed by the flux-usernetes daemon (123)`);
    }
    t.strictSame(hand.starts, []);
    t.ok(existsSync(hand.workdir));
  });

  t.test("the work directory is named after the job if the caller names none", async (t) => {
    const hand = new ByHand(t);
    for (const [env, name] of [
      [{ SLURM_JOB_ID: "4711" }, "usernetes-4711"],
      [{ FLUX_JOB_ID: "ƒ2QT1HSJy5", SLURM_JOB_ID: "4711" }, "usernetes-ƒ2qt1hsjy5"],
      [{ FLUX_JOB_ID: "f2QT1HSJy6" }, "usernetes-ƒ2qt1hsjy6"],
    ] as const) {
      cpSync(TEMPLATE, join(hand.directory, name), { recursive: true });
      const { exitCode, stderr } = await hand.run(["start-control-plane", "--worker-count=0"], {
        env,
      });
      t.equal(exitCode, 0, stderr);
      t.match(hand.left.join(), `node0 ${name.replace("ƒ", "")}`, "the project is compose's own");
      const { stdout } = await hand.run(["attr", "workdir"], { env });
      t.equal(stdout, join(hand.directory, name), "and attr finds it");
      t.equal((await hand.run(["down"], { env })).exitCode, 0);
    }
    const { exitCode, stderr } = await hand.run(["down"]);
    t.strictSame(
      [exitCode, stderr],
      [1, "usernetes: this is not inside a job: name the work directory with --workdir DIR"],
    );
  });
  t.end();
});

t.test("a failed step is reported and can be repeated", (t) => {
  t.test(
    "a failed step shows its last lines and its log, and the command exits with 1",
    async (t) => {
      const hand = new ByHand(t);
      hand.fault("node0.kubeadm-init", "exit 4");
      const { exitCode, stderr, stdout } = await hand.run(["--quiet", ...alone(hand)]);
      t.strictSame([exitCode, stdout], [1, ""]);
      const log = join(hand.workdir, ".usernetes/nodes/node0/kubeadm-init.log");
      t.match(stderr, `  injected fault in kubeadm-init on node0\n`);
      t.match(stderr, `usernetes: kubeadm-init: node0: failed: exit 2; full log: ${log}`);
      t.ok(existsSync(log));
      t.notOk(hand.starts.includes("node0 kubeconfig"), "the next are left out");
    },
  );

  t.test("a failed step shows no token", async (t) => {
    const hand = new ByHand(t);
    await hand.run([...alone(hand), "--serial"]);
    hand.fault("node1.kubeadm-join", "exit 1");
    const { exitCode, stderr } = await hand.run(["start-worker", "--workdir=clone"], {
      host: "node1",
    });
    t.equal(exitCode, 1);
    t.match(stderr, "kubeadm join u7s-node0");
    t.notMatch(stderr, TOKEN);
    t.notMatch(hand.read(".usernetes/nodes/node1/kubeadm-join.log"), TOKEN);
  });

  t.test("a failed step can be tried again", async (t) => {
    const hand = new ByHand(t);
    hand.fault("node0.kubeadm-init", "exit 1 once");
    t.equal((await hand.run(alone(hand))).exitCode, 1);
    t.equal((await hand.run(alone(hand))).exitCode, 0);
  });
  t.end();
});

t.test("a signal ends the command and all that it started", async (t) => {
  for (const [signal, status] of [
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const) {
    const hand = new ByHand(t);
    hand.fault("node0.up", "hang");
    const started = hand.start(alone(hand));
    await until("up fails", () =>
      hand.lines("steps.log").some((line) => line.includes(" up fault")),
    );
    started.kill(signal);
    const { exitCode, stderr } = await started;
    t.equal(exitCode, status);
    t.match(stderr, `usernetes: start-control-plane: ended by ${signal}`);
    const running = await execa("grep", ["-lsaF", hand.directory, ...environments()], {
      reject: false,
    });
    t.equal(running.stdout, "", "no process still runs");
  }
});

t.test("no process survives a SIGKILL of the command or of its runner", async (t) => {
  for (const victim of ["the command", "the runner"]) {
    const hand = new ByHand(t);
    hand.fault("node0.up", "hang");
    const started = hand.start(alone(hand));
    const hangs = () => hand.lines("steps.log").some((line) => line.includes(" up fault"));
    await until("up hangs", hangs);
    const pid = victim === "the command" ? started.pid : runnerOf(started.pid);
    process.kill(pid ?? 0, "SIGKILL");
    const { exitCode, stderr } = await started;
    if (victim === "the runner") {
      t.equal(exitCode, 1);
      t.match(stderr, "usernetes: node0: the step runner was killed");
    }
    const left = () => execa("grep", ["-lsaF", hand.directory, ...environments()], OR_NONE);
    await until(`nothing runs after ${victim}`, async () => (await left()).stdout === "");
    rmSync(join(hand.testbed, "fault/node0.up"));
    t.match(await hand.run(alone(hand)), { exitCode: 0 }, "and it can be repeated");
  }
});

t.test("an ignored signal stays ignored, as under nohup(1)", async (t) => {
  const hand = new ByHand(t);
  hand.takes("kubeadm-init", 1);
  const command = ["sh", "-c", "trap '' HUP; exec usernetes \"$@\"", "sh", ...alone(hand)];
  const started = hand.startProgram(command);
  await until("it runs", () => hand.starts.includes("node0 kubeadm-init"));
  started.kill("SIGHUP");
  const { exitCode, stderr } = await started;
  t.equal(exitCode, 0, stderr);
});

t.test("a node without python3 gets one line that names what to install", async (t) => {
  const hand = new ByHand(t);
  const bin = join(hand.directory, "few");
  mkdirSync(bin);
  symlinkSync("/usr/bin/readlink", join(bin, "readlink"));
  const usernetes = packagePath("bin", "usernetes");
  const { exitCode, stdout, stderr } = await hand.startProgram(["/bin/sh", usernetes, "down"], {
    PATH: bin,
  });
  t.strictSame([exitCode, stdout], [1, ""]);
  t.equal(
    stderr,
    `usernetes: down: python3 is not installed on this node, or not on the PATH ${bin}: install Python 3.6 or newer`,
  );
});

t.test("a work directory may have any name, in any locale", async (t) => {
  const script = `dir=$(printf '%s/usernetes-ƒ2q\\377' "$TMPDIR")
for verb in start-control-plane wait-workers; do
  usernetes $verb --workdir "$dir" --worker-count=0 || exit
done
usernetes down --workdir "$dir"`;
  for (const LC_ALL of ["C", "C.UTF-8"]) {
    const hand = new ByHand(t);
    const env = { LC_ALL, USERNETES_TEMPLATE: TEMPLATE };
    const { exitCode, stderr } = await hand.startProgram(["sh", "-c", script], env);
    t.equal(exitCode, 0, stderr);
    t.match(stderr, `kubeconfig: ${hand.directory}/usernetes-ƒ2q`);
    t.strictSame(hand.left, []);
  }
});

t.test("saved settings in the work directory are private", async (t) => {
  const hand = new ByHand(t);
  t.equal((await hand.run([...alone(hand), "--serial"])).exitCode, 0);
  const modes = (path: string) => (statSync(join(hand.workdir, path)).mode & 0o777).toString(8);
  for (const path of [".usernetes", ".usernetes/nodes/node0"]) t.equal(modes(path), "700", path);
  for (const name of ["engine", "node.env"])
    t.equal(modes(`.usernetes/nodes/node0/${name}`), "600", name);
  const here = readdirSync(packagePath("lib", "node"));
  t.notOk(here.includes("__pycache__"), "and nothing is written beside the programs");
});

/** The ID of a process whose parent is `parent`. */
function runnerOf(parent = 0): number | undefined {
  const stats = environments().map((path) => path.replace("environ", "stat"));
  const found = stats.find((path) => {
    try {
      return (
        Number(
          readFileSync(path, "utf8")
            .replace(/^.*\) /s, "")
            .split(" ")[1],
        ) === parent
      );
    } catch {
      return false;
    }
  });
  return found === undefined ? undefined : Number(found.split("/")[2]);
}

/** The files with the environments of all processes. */
function environments(): string[] {
  const pids = readdirSync("/proc").filter((name) => /^[0-9]+$/.test(name));
  return pids.map((pid) => `/proc/${pid}/environ`);
}

t.test("ports, addresses and engine come from the environment and stay the same", async (t) => {
  const hand = new ByHand(t);
  const ports = {
    PORT_ETCD: "3001",
    PORT_KUBELET: "3002",
    PORT_FLANNEL: "3003",
    PORT_KUBE_APISERVER: "3004",
  };
  const env = { ...ports, NODE_SUBNET: "10.9.8.0/24", CONTAINER_ENGINE: "podman" };
  t.equal((await hand.run([...alone(hand), "--serial"], { env })).exitCode, 0);
  t.equal((await hand.run(["wait-workers", ...alone(hand).slice(1)])).exitCode, 0, "without them");
  t.equal((await hand.run(["down", "--workdir", hand.workdir])).exitCode, 0);
  for (const line of hand.lines("steps.log").filter((line) => line.includes(" begin ")))
    t.match(line, "ports=3001,3002,3003,3004 subnet=10.9.8.0/24 engine=podman");
  t.strictSame(hand.left, []);
});

t.test("a clone may have compose.yaml in place of docker-compose.yaml", async (t) => {
  const hand = new ByHand(t);
  for (const name of ["compose.yaml", "compose.yml", "docker-compose.yml"]) {
    const [now = ""] = readdirSync(hand.workdir).filter((file) => file.includes("compose."));
    renameSync(join(hand.workdir, now), join(hand.workdir, name));
    writeFileSync(join(hand.workdir, "play"), "#!/bin/sh\nexit 0\n");
    const { stderr } = await hand.run(alone(hand));
    t.notMatch(stderr, "does not exist", name);
    t.match(stderr, /^usernetes: up: node0: failed/m, "it is brought up");
    const cleaned = await hand.run(["clean", "--workdir", hand.workdir]);
    t.equal(cleaned.exitCode, 0, cleaned.stderr);
  }
});

t.test("a node without an address is refused if the template uses one", async (t) => {
  const hand = new ByHand(t);
  const bin = join(hand.directory, "ip-bin");
  mkdirSync(bin);
  writeFileSync(join(bin, "ip"), "#!/bin/sh\nexit 2\n", { mode: 0o755 });
  const PATH = `${bin}:${hand.env["PATH"] ?? ""}`;
  writeFileSync(join(hand.workdir, "Makefile"), "# HOST_IP\n", { flag: "a" });
  const { exitCode, stderr } = await hand.run(alone(hand), { env: { PATH } });
  t.equal(exitCode, 1);
  t.equal(
    stderr,
    "usernetes: the address of this node cannot be found: this node has no default route; set HOST_IP to the address that the cluster's nodes reach it at",
  );
  t.strictSame(hand.starts, []);
  const set = await hand.run(alone(hand), { env: { PATH, HOST_IP: "192.0.2.9" } });
  t.equal(set.exitCode, 0, set.stderr);
});

t.test("the compose command is the one that the daemon uses", async (t) => {
  for (const name of ENGINES) {
    const hand = new ByHand(t);
    writeFileSync(join(hand.workdir, "play"), '#!/bin/sh\necho "$COMPOSE" >>"$TESTBED/compose"\n');
    await hand.run(alone(hand), { env: { CONTAINER_ENGINE: name } });
    t.equal(hand.lines("compose")[0], `${engine(name).compose.join(" ")} -p clone`);
  }
});

t.test("the host's name is that of this host, whatever flux exec passes", async (t) => {
  const hand = new ByHand(t);
  writeFileSync(join(hand.workdir, "play"), '#!/bin/sh\necho "$HOSTNAME" >>"$TESTBED/names"\n');
  await hand.run(["start-worker", "--workdir=clone"], {
    host: "node3",
    env: { HOSTNAME: "node0", NODE_NAME: "bad name" },
  });
  t.strictSame(hand.lines("names"), [], "a name that could not be one is refused before");
  const started = hand.start(["start-worker", "--workdir=clone"], {
    host: "node3",
    env: { HOSTNAME: "node0" },
  });
  await until("a name", () => hand.lines("names").length > 0);
  started.kill("SIGTERM");
  await started;
  t.equal(hand.lines("names")[0], "node3");
});

t.test("wrong usage prints one line and exits with 2", async (t) => {
  const hand = new ByHand(t);
  const at = ["--workdir", hand.workdir];
  for (const [args, words, env] of [
    [["start-control-plane", ...at], "start-control-plane: --worker-count N is missing"],
    [["wait-workers", ...at], "wait-workers: --worker-count N is missing"],
    [
      ["start-control-plane", ...at, "--worker-count", "many"],
      'found "many", allowed: a whole number',
    ],
    [["start-control-plane", ...at, "--worker-count=-1"], 'found "-1"'],
    [["start-control-plane", ...at, "--worker-count"], "--worker-count needs a value"],
    [["start-worker", ...at, "--serial"], 'start-worker: found "--serial"'],
    [["start-worker", ...at, "--worker-count=1"], 'start-worker: found "--worker-count=1"'],
    [["down", ...at, "all"], 'down: found "all"'],
    [["down", "--workdir="], '--workdir: found ""'],
    [["down", "--workdir"], "--workdir needs a value"],
    [["clean", ...at, "--everything"], 'clean: found "--everything"'],
    [["--verbose", "down"], 'found "--verbose", allowed before the verb: --debug'],
    [["restart"], 'there is no command "restart"; allowed: attr, env, start-control-plane'],
    [
      alone(hand),
      'CONTAINER_ENGINE: found "rkt", allowed: docker, podman or nerdctl',
      { CONTAINER_ENGINE: "rkt" },
    ],
    [alone(hand), 'PORT_ETCD: found "2379;x", allowed: a port', { PORT_ETCD: "2379;x" }],
    [alone(hand), 'PORT_ETCD: found "70000", allowed: a port, 1 to 65535', { PORT_ETCD: "70000" }],
    [alone(hand), 'PORT_ETCD: found "0", allowed: a port, 1 to 65535', { PORT_ETCD: "0" }],
    [
      alone(hand),
      'PORT_ETCD: found "3001", which PORT_FLANNEL has too: each needs a port of its own',
      { PORT_ETCD: "3001", PORT_FLANNEL: "3001" },
    ],
    [
      alone(hand),
      'PORT_ETCD: found "6443", which PORT_KUBE_APISERVER has too',
      { PORT_ETCD: "6443" },
    ],
    ...["U7S_A", "a..b", "-a", "a.-b", "a-"].map((name) => [
      alone(hand),
      `NODE_NAME: found "${name}", allowed: lower-case letters, digits, - and .`,
      { NODE_NAME: name },
    ]),
    [
      alone(hand),
      `NODE_NAME: found "${"a".repeat(64)}" with 64 characters, allowed: 63`,
      { NODE_NAME: "a".repeat(64) },
    ],
    ...["10.1.2.0/16", "10.1.2.4/24", "10.1.256.0/24", "10.1.2", "fd00::/64"].map((subnet) => [
      alone(hand),
      `NODE_SUBNET: found "${subnet}", allowed: a /24, as 10.100.1.0/24`,
      { NODE_SUBNET: subnet },
    ]),
    [alone(hand), 'HOST_IP: found "10.0.0", allowed: an IPv4 address', { U7S_HOST_IP: "10.0.0" }],
  ] as [string[], string, Record<string, string>?][]) {
    const { exitCode, stdout, stderr } = await hand.run(args, { env: env ?? {} });
    t.strictSame([exitCode, stdout, stderr.split("\n").length], [2, "", 1], args.join(" "));
    t.match(stderr, words);
    t.match(stderr, /^usernetes: /);
  }
  t.strictSame(hand.starts, []);
});

t.test("global options come before the verb", async (t) => {
  const hand = new ByHand(t);
  const { stdout: version } = await hand.run(["--debug", "--quiet", "--develop", "--version"]);
  t.match(version, /^[0-9]+\.[0-9]+\.[0-9]+$/);
  const quiet = await hand.run(["--develop", "--quiet", ...alone(hand)]);
  t.strictSame(quiet, { exitCode: 0, stdout: "", stderr: "" });
  const debug = await hand.run(["--debug", ...alone(hand)]);
  t.match(debug.stderr, `${hand.workdir} on node0: docker, project clone`);
  t.match(debug.stderr, `up: its log is ${hand.workdir}/.usernetes/nodes/node0/up.log`);
});

t.test("--help of each verb has an example", async (t) => {
  const hand = new ByHand(t);
  for (const verb of ["start-control-plane", "start-worker", "wait-workers", "down", "clean"]) {
    const { exitCode, stdout } = await hand.run([verb, "--help"]);
    t.equal(exitCode, 0);
    t.match(
      stdout,
      new RegExp(`^Usage: usernetes ${verb} .*\nExample:\n  .*usernetes ${verb} --workdir`, "s"),
    );
  }
});

t.test("usernetes finds its scripts in libexec/usernetes beside its bin", async (t) => {
  const hand = new ByHand(t);
  const prefix = join(hand.directory, "prefix");
  for (const { root, path, ...item } of items())
    if (root === "prefix" && path.startsWith("libexec/") && "content" in item) {
      mkdirSync(join(prefix, path, ".."), { recursive: true });
      writeFileSync(join(prefix, path), item.content);
    }
  cpSync(packagePath("bin", "usernetes"), join(prefix, "bin/usernetes"));
  const env = { PATH: `${prefix}/bin:${hand.env["PATH"] ?? ""}` };
  const { exitCode, stderr } = await hand.run(alone(hand), { env });
  t.equal(exitCode, 0, stderr);
  rmSync(join(prefix, "libexec"), { recursive: true });
  t.match(await hand.run(alone(hand), { env }), {
    exitCode: 1,
    stderr: /its scripts are not in .*libexec\/usernetes: install flux-usernetes again/,
  });
});
