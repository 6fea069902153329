/** An agent runs the steps of a request, and reports the end of each with its last lines. */
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { JOIN_COMMAND, TOKEN } from "../fakes/playing-run.js";
import { newNode, NONCE, OWN } from "../fakes/node.js";
import { until } from "../hosts/until.js";

const MASKED =
  "kubeadm join 10.0.0.1:20003 --token [token] --discovery-token-ca-cert-hash sha256:[hash]";

/** The last lines of a step's output, from the short form of a report. */
const tailOf = (report = "") => report.slice(report.indexOf(": ", report.indexOf(": ") + 1) + 2);

t.test("an agent reports the ends of its steps", (t) => {
  t.test("each step's end is reported at once, and no step follows a failed one", async (t) => {
    const node = newNode(t);
    const agent = node.start(
      ["stage", 10, "echo out; echo err >&2"],
      ["up", 10, "until [ -e $NOTES/go ]; do sleep 0.02; done; echo first; echo last; exit 7"],
      ["kubeadm-init", 10, "true"],
    );
    await until("the first end is reported", () => agent.heard().length > 1);
    t.strictSame(agent.heard(), ["here", "stage: ok: out | err"]);
    node.note("go", "");
    const { exitCode, reports, stderr } = await agent.ended;
    t.equal(exitCode, 0, "the exit code of an agent is not that of its steps");
    t.equal(stderr, "");
    t.strictSame(reports.slice(2), ["up: failed 7: first | last"]);
    t.strictSame(node.litter, []);
  });

  t.test("the last lines of a step are reported clean, and cut to 400 characters", async (t) => {
    const node = newNode(t);
    const script = `seq 1 50; printf 'red \\033[31m\\a%s ƒ\\n' "$(yes x | head -n 600 | tr -d '\\n')"; exit 1`;
    const lines = tailOf((await node.call(["up", 10, script]))[0]).split(" | ");
    t.equal(lines.length, 24);
    t.equal(lines[0], "28");
    t.match(lines[23], /^red x{396}$/);
  });

  t.test("complete lines are reported, without docker's usage among them", async (t) => {
    const node = newNode(t);
    const long = `$(yes wor | head -n 300 | tr '\\n' ' ')`;
    const script = `for i in $(seq 1 30); do printf '[ERROR X%s]: %s\n' "$i" "${long}"; done
      echo "unknown shorthand flag: 'p' in -p"; echo "See 'docker --help'."
      echo "Usage:  docker [OPTIONS] COMMAND"; seq 1 90
      echo "Run 'docker COMMAND --help' for more information on a command."; exit 125`;
    const lines = tailOf((await node.call(["up", 10, script]))[0]).split(" | ");
    t.equal(lines.length, 24);
    for (const line of lines.slice(0, 22)) t.match(line, /^\[ERROR X[0-9]+\]: wor/);
    t.strictSame(lines.slice(22), ["unknown shorthand flag: 'p' in -p", "See 'docker --help'."]);
  });

  t.test("four lines of a successful step are reported, without secrets", async (t) => {
    for (const staged of [true, false]) {
      const node = newNode(t);
      if (staged) node.staged();
      const wide = "yes y | head -n 600 | tr -d '\\n'";
      const script = `seq 1 50; printf '%s' '${JOIN_COMMAND}'; ${wide}; printf '\n${TOKEN}'`;
      t.strictSame(await node.call(["up", 10, script], ["kubeadm-init", 10, "true"]), [
        `up: ok: 50 | ${MASKED} | ${"y".repeat(400)} | [token]`,
        "kubeadm-init: ok",
      ]);
      t.strictSame(node.litter, []);
    }
  });

  t.test("no line of an earlier try is reported", async (t) => {
    const node = newNode(t);
    node.staged();
    t.strictSame(await node.call(["up", 10, "echo no; exit 1"]), ["up: failed 1: no"]);
    t.strictSame(await node.call(["up", 10, "echo yes"]), ["up: ok: yes"]);
    t.equal(node.read(`${OWN}/up.log`), "no\n-- exit 1 --\nyes\n");
  });

  t.test("the exit code of a signal is reported as a shell reports it", async (t) => {
    t.strictSame(await newNode(t).call(["up", 10, "kill -KILL $$"]), ["up: failed 137"]);
  });

  t.test("podman's output is reported without that of podman-compose around it", async (t) => {
    const node = newNode(t);
    node.staged();
    const file = join(node.directory, "printed");
    writeFileSync(file, SUBNET_TAKEN);
    t.strictSame(await node.call(["up", 20, `cat ${file}; exit 1`]), [
      "up: failed 1: Error: subnet 10.100.0.0/24 is already used on the host or by another config" +
        " | subprocess.CalledProcessError: Command '['podman', 'network', 'exists']' returned 1." +
        " | subprocess.CalledProcessError: Command '['podman', 'network', 'create']' returned 125.",
    ]);
    t.match(node.read(`${OWN}/up.log`), "Traceback", "the log has all of it");
  });

  t.test("a running step reports what it waits for on its own descriptor", async (t) => {
    const node = newNode(t);
    const waits = `echo "1 of 2 --token ${TOKEN}" >&3; until [ -e $NOTES/go ]; do sleep 0.02; done; printf no-end >&3`;
    const agent = node.start(["wait-nodes", 10, waits]);
    await until("it is reported", () => agent.heard().length > 1);
    node.note("go", "");
    t.strictSame((await agent.ended).reports, [
      ...["here", "progress wait-nodes: 1 of 2 --token [token]", "wait-nodes: ok"],
    ]);
  });
  t.end();
});

t.test("an agent carries out requests", (t) => {
  t.test("the ranks that a request names take it in order, and the others wait", async (t) => {
    const node = newNode(t);
    node.staged();
    mkdirSync(join(node.workdir, ".usernetes/nodes/3"));
    node.env["FAKE_RANK"] = "3";
    node.env["USERNETES_LEAD"] = "3";
    const agent = node.agent();
    const ask = (ranks: string, ...steps: [string, number, string][]) => {
      agent.send({ ...node.stepsRequest(steps), ranks } as never);
    };
    ask("0-2,4", ["up", 9, "echo not this"]);
    ask("0-4", ["up", 9, "true"], ["stage", 9, "echo $USERNETES_RANK"]);
    ask("3", ["kubeadm-init", 9, "exit 9"], ["stage", 9, "true"]);
    ask("2-3", ["up", 9, "true"]);
    agent.send({ do: "end" });
    const { reports, exitCode } = await agent.ended;
    t.equal(exitCode, 0);
    t.strictSame(reports, [
      ...["here", "up: ok", "stage: ok: 3", "kubeadm-init: failed 9", "up: ok"],
    ]);
    t.equal(node.read(".usernetes/nodes/3/stage.log"), "3\n");
  });

  t.test("a request may come when the previous one is complete", async (t) => {
    const node = newNode(t);
    const agent = node.agent();
    agent.send(node.stepsRequest([["up", 9, "exit 3"]]));
    await until("it has failed", () => agent.heard().includes("up: failed 3"));
    agent.send(node.stepsRequest([["up", 9, "true"]]));
    agent.send({ do: "end" });
    t.strictSame((await agent.ended).reports, ["here", "up: failed 3", "up: ok"]);
  });

  t.test("a request may come long before the agent knows its rank", async (t) => {
    const node = newNode(t);
    node.program("flux", "until [ -e $NOTES/go ]; do sleep 0.02; done; echo 0");
    const agent = node.start(["up", 9, "true"]);
    await until("it is there", () => agent.heard().includes("here"));
    node.note("go", "");
    t.strictSame((await agent.ended).reports, ["here", "up: ok"]);
  });

  t.test("a request is refused if Flux does not report the rank", async (t) => {
    const node = newNode(t);
    node.program("flux", "echo garbage");
    const { reports } = await node.start(["up", 9, "true"]).ended;
    t.strictSame(reports, [
      "here",
      "refused: flux getattr rank failed on this node; check its broker",
    ]);
  });

  t.test("a request of an unknown kind ends the agent before any step", async (t) => {
    const node = newNode(t);
    const agent = node.agent();
    agent.send({ do: "reboot", env: node.env } as never);
    agent.send({ do: "end" });
    t.strictSame((await agent.ended).reports, ["here", "gone: KeyError: 'reboot'"]);
  });
  t.end();
});

t.test("a step runs in its own environment", (t) => {
  t.test("a step has an empty input", async (t) => {
    t.strictSame(await newNode(t).call(["up", 5, "cat; exit 3"]), ["up: failed 3"]);
  });

  t.test("a step has the node's HOME and language, and its time limit", async (t) => {
    const node = newNode(t);
    delete node.env["HOME"];
    const script = 'echo "$HOME $LANG $USERNETES_SECONDS $USERNETES_RANK"; pwd; umask';
    const [end] = await node.call(["up", 11, script]);
    t.match(end, /^up: ok: \/\S* C\.UTF-8 11 0 \| \/ \| 0077$/);
  });

  t.test("a step has only the environment of its request", async (t) => {
    const node = newNode(t);
    process.env["NOT_FOR_STEPS"] = "x";
    t.strictSame(await node.call(["up", 5, 'echo "${NOT_FOR_STEPS:-none}"']), ["up: ok: none"]);
  });

  t.test("a step can use descriptor 3 alone beside its input and output", async (t) => {
    const node = newNode(t);
    const [end] = await node.call(["up", 5, "cd /proc/self/fd && echo [0-9]*; exit 1"]);
    // The shell opens the directory, which may have the last number.
    t.match(end, /^up: failed 1: 0 1 2 3( 4)?$/);
  });

  t.test("a step knows the broker of its own node", async (t) => {
    const node = newNode(t);
    node.env["FLUX_URI"] = "local:///of-this-node";
    const agent = node.agent();
    const request = node.stepsRequest([["up", 5, 'echo "$FLUX_URI"']]);
    agent.send({ ...request, env: { ...node.env, FLUX_URI: "local:///rank-0" } } as never);
    agent.send({ do: "end" });
    t.strictSame((await agent.ended).reports, ["here", "up: ok: local:///of-this-node"]);
  });
  t.end();
});

t.test("a step has a log", (t) => {
  t.test("the log of a step has the printed lines, including blank ones", async (t) => {
    const node = newNode(t);
    node.staged();
    await node.call(["up", 10, String.raw`printf '\n\na\n\nb\n'`]);
    t.equal(node.read(`${OWN}/up.log`), "\n\na\n\nb\n");
  });

  t.test("the log of a step is private, and has no token and no hash", async (t) => {
    const node = newNode(t);
    node.staged();
    t.strictSame(await node.call(["up", 10, `printf '%s' '${JOIN_COMMAND}'; exit 1`]), [
      `up: failed 1: ${MASKED}`,
    ]);
    t.equal(node.read(`${OWN}/up.log`), `${MASKED}\n-- exit 1 --\n`);
    t.strictSame(readdirSync(join(node.workdir, OWN)).toSorted(), ["node.env", "up.log"]);
    t.equal(statSync(join(node.workdir, `${OWN}/up.log`)).mode & 0o777, 0o600);
  });

  t.test("the log of much output and many tries is two files of limited size", async (t) => {
    const node = newNode(t);
    node.staged();
    const size = (name: string) => statSync(join(node.workdir, OWN, name)).size;
    for (let i = 0; i < 4; i++) await node.call(["up", 20, "yes 0123456789 | head -n 30000"]);
    t.ok(size("up.log") <= 512 << 10, "each try fits into one");
    await node.call(["up", 20, "yes 0123456789 | head -n 200000; echo the end"]);
    for (const name of ["up.log", "up.log.1"]) t.ok(size(name) <= 512 << 10, name);
    t.match(node.read(`${OWN}/up.log`), /the end\n$/);
    t.strictSame(readdirSync(join(node.workdir, OWN)).toSorted(), [
      ...["node.env", "up.log", "up.log.1"],
    ]);
  });

  t.test("the log of a step is written while the step runs", async (t) => {
    const node = newNode(t);
    node.staged();
    const agent = node.start(["up", 20, "echo a; until [ -e $NOTES/go ]; do sleep 0.02; done"]);
    const log = join(node.workdir, OWN, "up.log");
    await until("it is there", () => existsSync(log) && node.read(`${OWN}/up.log`) === "a\n");
    node.note("go", "");
    await agent.ended;
  });

  t.test("the log of stage starts before its directory exists", async (t) => {
    const node = newNode(t);
    const make = 'echo first; mkdir -p "$USERNETES_WORKDIR/.usernetes/nodes/0"; echo last';
    await node.call(["stage", 10, make]);
    t.equal(node.read(`${OWN}/stage.log`), "first\nlast\n");
  });
  t.end();
});

t.test("no process on a node has a secret in an argument or a variable", async (t) => {
  const node = newNode(t);
  node.staged();
  node.env["FAKE_ARCHIVE"] = JOIN_COMMAND;
  const traces = `cat /proc/self/environ /proc/*/cmdline >"$NOTES/seen" 2>/dev/null; ls -la "$TMPDIR" >>"$NOTES/seen"`;
  const agent = node.agent();
  const { steps } = node.stepsRequest(["fetch-join", ["up", 10, traces]]) as never;
  agent.send({ ...node.stepsRequest([]), steps } as never);
  agent.send({ do: "end" });
  const { reports } = await agent.ended;
  t.strictSame(reports, ["here", "fetch-join: ok", "up: ok"]);
  t.notMatch(
    node
      .noted("seen")
      .join("\n")
      .replaceAll(/FAKE_ARCHIVE=[^\0]*/g, ""),
    TOKEN,
  );
  t.ok(node.noted("seen").join("\n").includes(NONCE), "it has looked at them");
});

/** The output of podman-compose 1.0.6 if a subnet is in use. */
const SUBNET_TAKEN = `['podman', '--version', '']
exit code: 0
podman volume inspect x_node-var || podman volume create x_node-var
Error: inspecting object: no such volume x_node-var
['podman', 'network', 'exists', 'x_default']
Error: subnet 10.100.0.0/24 is already used on the host or by another config
Traceback (most recent call last):
  File "/usr/lib/python3/dist-packages/podman_compose.py", line 761, in assert_cnt_nets
    compose.podman.output([], "network", args)
           ^^^^^^^^^^^^^^^^^^^^
subprocess.CalledProcessError: Command '['podman', 'network', 'exists']' returned 1.

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/usr/bin/podman-compose", line 33, in <module>
    sys.exit(main())
             ^^^^^^
subprocess.CalledProcessError: Command '['podman', 'network', 'create']' returned 125.
`;
