/** An agent ends what it started: at the deadline, with its caller, and before the next call. */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { join } from "node:path";
import t, { type Test } from "tap";
import { MARKER, newNode, OWN, type Node, without } from "../fakes/node.js";
import { until } from "../hosts/until.js";

/** The processes with this command line. */
function pidsOf(command: string | RegExp): number[] {
  return readdirSync("/proc")
    .filter((name) => /^[0-9]+$/.test(name))
    .filter((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trimEnd();
        return typeof command === "string" ? line === command : command.test(line);
      } catch {
        return false;
      }
    })
    .map(Number);
}

const isRunning = (command: string | RegExp) => pidsOf(command).length > 0;
const started = (...commands: string[]) =>
  until(`${commands.join(", ")} is running`, () => commands.every(isRunning), { limitMs: 20_000 });
const ended = (...commands: string[]) =>
  until(`${commands.join(", ")} has ended`, () => !commands.some(isRunning), { limitMs: 20_000 });

/** The runner of the agent with this nonce. */
const runnerOf = (nonce: string) => pidsOf(new RegExp(` usernetes-runner ${nonce}$`))[0];

t.test("a step that takes too long ends with its children", async (t) => {
  const node = newNode(t);
  const before = Date.now();
  const reports = await node.call(["up", 1, "sleep 314.15 & sleep 314.15"], ["stage", 1, "true"]);
  // The shell may print "Terminated".
  t.match(reports, [/^up: timeout(: Terminated)?$/]);
  t.equal(reports.length, 1, "and no step follows it");
  t.ok(Date.now() - before < 5000);
  t.notOk(isRunning("sleep 314.15"), "before its end is reported");
});

t.test(
  "a child in another session ends with its step, and so does one that ignores TERM",
  async (t) => {
    const node = newNode(t);
    node.program("deaf", `trap "" TERM; sleep 173.20; sleep 173.20`);
    // The parents of these processes end at TERM.
    const script = `(setsid sh -c "sleep 173.21; true"; true) & (setsid deaf; true) & sh -c "deaf; true"; true`;
    t.match(await node.call(["up", 1, script]), [/^up: timeout/]);
    t.notOk(isRunning(/^sleep 173\.2/));
  },
);

for (const [how, end] of [
  [
    "SIGTERM",
    (agent: ReturnType<Node["start"]>) => {
      agent.kill("SIGTERM");
    },
  ],
  [
    "SIGKILL",
    (agent: ReturnType<Node["start"]>) => {
      agent.kill("SIGKILL");
    },
  ],
] as const)
  t.test(`a step ends with its agent on ${how}, and leaves no file`, async (t) => {
    const node = newNode(t);
    const agent = node.start(["up", 60, "echo x; sleep 271.82 & setsid sleep 271.83"]);
    await started("sleep 271.82", "sleep 271.83");
    t.strictSame(node.litter, [], "the file of its output has no name");
    end(agent);
    const { exitCode } = await agent.ended;
    t.equal(exitCode, how === "SIGTERM" ? 143 : undefined);
    await ended("sleep 271.82", "sleep 271.83");
    t.strictSame(node.litter, []);
  });

t.test("a step ends when the caller of its agent exits", async (t) => {
  const node = newNode(t);
  const agent = node.agent();
  agent.send(node.stepsRequest([["up", 60, "sleep 141.42"]]));
  await started("sleep 141.42");
  agent.hangUp();
  t.equal((await agent.ended).exitCode, 143);
  t.notOk(isRunning("sleep 141.42"), "before the agent ends");
});

t.test("an agent that waits ends with its caller and on SIGTERM", async (t) => {
  const node = newNode(t);
  for (const end of ["hangUp", "kill"] as const) {
    const agent = node.agent();
    await until("it is there", () => agent.heard().length > 0);
    agent[end]("SIGTERM");
    t.equal((await agent.ended).exitCode, 143);
  }
});

t.test("a killed runner is reported, and its rank accepts another request", async (t) => {
  const node = newNode(t);
  const agent = node.agent({ nonce: "killed" });
  agent.send(node.stepsRequest([["up", 60, "sleep 150.01"]]));
  await started("sleep 150.01");
  process.kill(runnerOf("killed") ?? 0, "SIGKILL");
  await until("it is reported", () => agent.heard().includes("gone: "));
  const look = `if grep -qsa "^sleep.150.01" /proc/[0-9]*/cmdline; then exit 9; fi`;
  agent.send(node.stepsRequest([["up", 10, look]]));
  agent.send({ do: "end" });
  t.strictSame((await agent.ended).reports, ["here", "gone: ", "up: ok"]);
});

/** Starts an agent whose steps note the process IDs of their runners. */
function agentWithRunners(t: Test, nonce: string) {
  const node = newNode(t);
  const agent = node.agent({ nonce });
  return {
    ...agent,
    request: () => {
      agent.send(node.stepsRequest([["up", 10, 'echo "$PPID" >>"$NOTES/runners"']]));
    },
    /** Resolves with the runners so far when the agent has carried out all requests. */
    runners: async () => {
      const before = agent.heard().length;
      agent.send({ do: "find", env: node.env, base: node.base, instance: "none", others: false });
      await until("it has searched", () =>
        agent
          .heard()
          .slice(before)
          .some((report) => report.startsWith("searched")),
      );
      return node.noted("runners").map(Number);
    },
    end: async () => {
      agent.send({ do: "end" });
      return (await agent.ended).reports.filter((report) => !report.startsWith("searched"));
    },
  };
}

t.test("one runner carries out all requests of a call, unless it has exited", async (t) => {
  const agent = agentWithRunners(t, "kept");
  agent.request();
  agent.request();
  const [first = 0, second] = await agent.runners();
  t.equal(second, first);
  process.kill(first, "SIGKILL");
  agent.request();
  const all = await agent.runners();
  t.equal(all.length, 3);
  t.not(all[2], first);
  t.strictSame(await agent.end(), ["here", "up: ok", "up: ok", "up: ok"]);
  t.equal(runnerOf("kept"), undefined, "it ends with its agent");
});

t.test("a request that a dying runner does not read goes to another runner", async (t) => {
  const agent = agentWithRunners(t, "dying");
  agent.request();
  const [first = 0] = await agent.runners();
  process.kill(first, "SIGSTOP");
  agent.request();
  // Time for the agent to pass the request to the stopped runner.
  await sleep(500);
  process.kill(first, "SIGKILL");
  const all = await agent.runners();
  t.equal(all.length, 2);
  t.not(all[1], first);
  t.strictSame(await agent.end(), ["here", "up: ok", "up: ok"]);
});

t.test("a request ends what an earlier one of its call has left running", async (t) => {
  const node = newNode(t);
  const agent = node.agent();
  agent.send(node.stepsRequest([["up", 10, "(sleep 331.20; true) & true"]]));
  await until("the step has ended", () => agent.heard().length > 1);
  await started("sleep 331.20");
  agent.send(node.stepsRequest([["up", 10, "true"]]));
  agent.send({ do: "end" });
  t.strictSame((await agent.ended).reports, ["here", "up: ok", "up: ok"]);
  t.notOk(isRunning("sleep 331.20"));
});

t.test("a call ends earlier work before its first step", (t) => {
  const look = (command: string) =>
    `if grep -qsa "^${command.replace(" ", ".")}" /proc/[0-9]*/cmdline; then exit 9; fi`;

  t.test("a call ends what an earlier call of its cluster still runs", async (t) => {
    const node = newNode(t);
    const script: [string, number, string] = ["up", 60, "sleep 223.60"];
    const earlier = node.startAs({ nonce: "earlier" }, ["stage", 60, "true"], script);
    await started("sleep 223.60");
    t.strictSame(await node.call(["stage", 10, look("sleep 223.60")]), ["stage: ok"]);
    t.strictSame((await earlier.ended).reports, ["here", "stage: ok", "gone: "]);
  });

  t.test("a call ends a process of a killed runner that ignores TERM", async (t) => {
    const node = newNode(t);
    node.program("deaf", `trap "" TERM; sleep 244.90; sleep 244.90`);
    const earlier = node.startAs({ nonce: "killed" }, ["kubeadm-init", 60, "deaf; true"]);
    await started("sleep 244.90");
    process.kill(runnerOf("killed") ?? 0, "SIGKILL");
    await earlier.ended;
    t.ok(isRunning("sleep 244.90"));
    t.strictSame(await node.call(["kubeadm-init", 10, look("sleep 244.90")]), ["kubeadm-init: ok"]);
  });

  t.test("a call for a teardown ends earlier work, too", async (t) => {
    const node = newNode(t);
    node.staged();
    const earlier = node.startAs({ nonce: "earlier" }, ["delete-token", 60, "sleep 316.23"]);
    await started("sleep 316.23");
    t.strictSame(await node.call("down-v"), ["down-v: ok: checking docker for leftovers"]);
    t.notOk(isRunning("sleep 316.23"));
    await earlier.ended;
  });

  t.test(
    "a call ends nothing of other clusters or brokers, and no process that only reads",
    async (t) => {
      const node = newNode(t);
      const { env } = node;
      node.env = { ...env, USERNETES_MARKER: `1${MARKER}` };
      const other = node.startAs({ nonce: "other" }, ["up", 60, "sleep 282.84"]);
      node.env = { ...env, FLUX_URI: "local:///other" };
      const neighbour = node.startAs({ nonce: "neighbour" }, ["up", 60, "sleep 300.10"]);
      await started("sleep 282.84", "sleep 300.10");
      node.env = { ...env, FLUX_URI: "local:///this" };
      const logs = node.logs("follow", ["up"]);
      await until("it reads", () => logs.heard().length > 0);
      await sleep(500);
      t.strictSame(await node.call(["up", 10, "true"]), ["up: ok"]);
      // Steps by hand have no marker. The agent then compares the work directories.
      const unmarked = without(env, "USERNETES_MARKER", "FLUX_URI");
      node.env = { ...unmarked, USERNETES_WORKDIR: join(node.base, "by-hand") };
      t.strictSame(await node.call(["up", 10, "true"]), ["up: ok"]);
      t.ok(isRunning("sleep 282.84") && isRunning("sleep 300.10"));
      t.strictSame(logs.heard(), ["here"]);
      for (const call of [other, neighbour, logs]) {
        call.kill("SIGTERM");
        await call.ended;
      }
    },
  );

  t.test(
    "a call ends no process that an engine has started, whatever its environment is",
    async (t) => {
      const node = newNode(t);
      const lives = "setsid sleep 264.57 >/dev/null 2>&1 3>&- & sleep 0.1";
      t.strictSame(await node.call(["up", 10, lives]), ["up: ok"]);
      t.strictSame(await node.call(["up", 10, "true"]), ["up: ok"]);
      t.ok(isRunning("sleep 264.57"));
      for (const pid of pidsOf("sleep 264.57")) process.kill(pid);
    },
  );
  t.end();
});

t.test("a process that an engine leaves running does not delay the end of its step", async (t) => {
  const node = newNode(t);
  node.staged();
  node.note("hold", "");
  const holds = '(while [ -e "$NOTES/hold" ]; do sleep 0.1; echo on; done) & exit 3';
  t.strictSame(await node.call(["up", 10, holds]), ["up: failed 3"]);
  t.strictSame(node.litter, []);
});

t.test("podman may finish what it creates", (t) => {
  /** A stand-in for podman. It records that it has started, that it got TERM, and that it ended. */
  function plays(
    node: Node,
    verb: string,
    { trap = 'echo 1 >"$NOTES/term"; exit 1', times = 15 } = {},
  ) {
    const file = join(node.directory, "podman");
    if (!existsSync(file)) copyFileSync("/bin/sh", file);
    chmodSync(file, 0o755);
    const script = `trap '${trap.replace("term", `${verb}.term`)}' TERM
echo 1 >"$NOTES/${verb}.started"
for time in $(seq ${times}); do sleep 0.1; done
echo 1 >"$NOTES/${verb}.ended"`;
    writeFileSync(join(node.directory, verb), script);
    return `cd ${node.directory}; ./podman ${verb}`;
  }

  t.test("podman finishes when its step is stopped, and gets no TERM", async (t) => {
    const node = newNode(t);
    node.staged();
    const both = `${plays(node, "run")} & ${plays(node, "exec")} & sleep 60`;
    const agent = node.start(["up", 60, both]);
    await until("both run", () => node.has("run.started") && node.has("exec.started"));
    await sleep(200);
    agent.kill("SIGTERM");
    await agent.ended;
    t.ok(node.has("run.ended"));
    t.notOk(node.has("run.term"), "TERM would leave half a network behind");
    t.ok(node.has("exec.term"), "what only waits");
    t.notOk(node.has("exec.ended"));
  });

  t.test("podman finishes when its step is stopped and then times out", async (t) => {
    const node = newNode(t);
    node.staged();
    const both = `${plays(node, "run", { times: 30 })} & sleep 316.22`;
    const agent = node.start(["up", 2, both]);
    await until("it runs", () => node.has("run.started"));
    agent.kill("SIGTERM");
    await agent.ended;
    t.ok(node.has("run.ended"));
    t.notOk(node.has("run.term"));
    t.notOk(isRunning("sleep 316.22"));
  });

  t.test("podman finishes when a timeout ends the step", async (t) => {
    const node = newNode(t);
    node.staged();
    const both = `${plays(node, "run", { times: 30 })} & sleep 331.66`;
    t.match(await node.call(["up", 1, both]), [/^up: timeout/]);
    t.ok(node.has("run.ended"));
    t.notOk(node.has("run.term"));
    t.notOk(isRunning("sleep 331.66"));
    t.match(node.read(`${OWN}/up.log`), /^-- exit [0-9]+ --$/m);
  });

  t.test("podman has at most ten seconds to finish", async (t) => {
    const node = newNode(t);
    node.staged();
    const deaf = plays(node, "run", { trap: 'echo 1 >"$NOTES/term"', times: 300 });
    const agent = node.start(["up", 60, `${deaf} & wait`]);
    await until("it runs", () => node.has("run.started"));
    agent.kill("SIGTERM");
    await agent.ended;
    t.notOk(isRunning("./podman run"));
    t.ok(node.has("run.term"));
  });

  t.test("the next call waits for podman, too", async (t) => {
    const node = newNode(t);
    node.staged();
    const makes = plays(node, "run", { times: 30 });
    const earlier = node.startAs({ nonce: "earlier" }, ["up", 60, makes]);
    await until("it runs", () => node.has("run.started"));
    t.strictSame(await node.call(["up", 10, '[ -e "$NOTES/run.ended" ]']), ["up: ok"]);
    t.notOk(node.has("run.term"));
    await earlier.ended;
  });
  t.end();
});
