/** The agent runs the programs of a site's hooks. stage checks them before. */
import { chmodSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { newNode, type Node } from "../fakes/node.js";
import { until } from "../hosts/until.js";

function program(node: Node, name: string, text: string): string {
  const path = join(node.directory, name);
  writeFileSync(path, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  return path;
}

t.test(
  "a hook runs in the work directory, with the node's settings and its arguments",
  async (t) => {
    const node = newNode(t);
    node.staged();
    const path = program(node, "hook", 'pwd; echo "$NODE_SUBNET $STORE"; printf "<%s>" "$@"');
    node.site["STORE"] = "s";
    node.hooks = { "before-up": [path, "a b", "$(id)", "; `id`", "*", ""] };
    t.strictSame(await node.call("before-up"), [
      `before-up: ok: ${node.workdir} | 10.0.0.0/24 s | <a b><$(id)><; \`id\`><*><>`,
    ]);
    t.match(node.read(".usernetes/nodes/0/before-up.log"), "<a b>");
  },
);

t.test("after-ready has the cluster's kubeconfig, and its kubectl last on the PATH", async (t) => {
  const node = newNode(t);
  node.staged();
  mkdirSync(join(node.workdir, "bin"));
  writeFileSync(join(node.workdir, "bin/kubectl"), '#!/bin/sh\necho "$KUBECONFIG $*"\n', {
    mode: 0o755,
  });
  node.hooks = {
    "after-ready": ["kubectl", "apply", "-f", "/opt/x y.yaml"],
    "before-up": ["env"],
  };
  t.strictSame(await node.call("after-ready"), [
    `after-ready: ok: ${node.workdir}/kubeconfig apply -f /opt/x y.yaml`,
  ]);
  await node.call("before-up");
  t.notMatch(node.read(".usernetes/nodes/0/before-up.log"), /^KUBECONFIG=/m);
});

t.test("a program of the template may be named by its path there", async (t) => {
  const node = newNode(t);
  node.staged();
  mkdirSync(join(node.workdir, "hooks"));
  writeFileSync(join(node.workdir, "hooks/up"), "#!/bin/sh\necho own\n", { mode: 0o755 });
  node.hooks = { "before-up": ["hooks/up"] };
  t.strictSame(await node.call("before-up"), ["before-up: ok: own"]);
});

t.test("a program may have the name of a builtin or function of the shell", async (t) => {
  const node = newNode(t);
  node.staged();
  node.program("test", 'echo "the program test: $*"');
  node.program("run_hook", "echo the program run_hook");
  node.hooks = { "before-up": ["test", "a", "=", "b"] };
  t.strictSame(await node.call("before-up"), ["before-up: ok: the program test: a = b"]);
  node.hooks = { "before-up": ["run_hook"] };
  t.strictSame(await node.call("before-up"), ["before-up: ok: the program run_hook"]);
  for (const name of ["exit", "cd", "eval"]) {
    node.hooks = { "before-up": [name, "0"] };
    const [end = ""] = await node.call("before-up");
    t.match(end, ` is not on the PATH of this node: ${name}; the PATH is `);
  }
});

t.test("a failed hook gives its status and its last lines", async (t) => {
  const node = newNode(t);
  node.staged();
  node.hooks = { "before-up": [program(node, "hook", "echo no scratch here >&2; exit 5")] };
  t.strictSame(await node.call("before-up", ["up", 9, "touch $NOTES/ran"]), [
    "before-up: failed 5: no scratch here",
  ]);
  t.notOk(node.has("ran"));
});

t.test("a hook that takes too long ends with all that it started", async (t) => {
  const node = newNode(t);
  node.staged();
  const path = program(node, "hook", 'sleep 300 & echo $! >"$NOTES/pid"; wait');
  const request = node.stepsRequest([]);
  if (request.do !== "steps") throw new Error();
  node.hooks = { "before-up": [path] };
  const [step] = (node.stepsRequest(["before-up"]) as typeof request).steps;
  const agent = node.agent();
  agent.send({ ...request, steps: [{ ...step, seconds: 2 } as never] });
  agent.send({ do: "end" });
  t.match((await agent.ended).reports.slice(1), [/^before-up: timeout(: Terminated)?$/]);
  const proc = `/proc/${node.noted("pid")[0] ?? ""}`;
  await until("it has ended", () => !existsSync(proc));
});

t.test("a background process of a hook continues, and the step ends", async (t) => {
  const node = newNode(t);
  node.staged();
  const path = program(node, "hook", 'setsid sleep 60 & echo $! >"$NOTES/pid"');
  node.hooks = { "before-up": [path] };
  t.strictSame(await node.call("before-up", ["up", 9, "true"]), ["before-up: ok", "up: ok"]);
  const pid = Number(node.noted("pid")[0]);
  t.ok(existsSync(`/proc/${pid}`));
  process.kill(pid);
});

t.test("before-down runs only if the cluster has its work directory", async (t) => {
  const node = newNode(t);
  node.hooks = { "before-down": [program(node, "hook", "echo ran")] };
  const none = ["before-down: ok: this cluster has no work directory here"];
  t.strictSame(await node.call("before-down"), none, "nothing was made");
  node.staged();
  t.strictSame(await node.call("before-down"), ["before-down: ok: ran"]);
  writeFileSync(join(node.workdir, ".usernetes/owner"), "7 another\n");
  t.strictSame(await node.call("before-down"), none, "another cluster's");
});

t.test("stage names a missing program before it creates anything", async (t) => {
  const node = newNode(t);
  const path = program(node, "hook", "true");
  const prints = async (env: Record<string, string>) => {
    const { exitCode, stderr } = await node.step("stage", env);
    t.equal(exitCode, 1);
    t.notOk(existsSync(node.workdir));
    return stderr;
  };
  const what = (hook: string) => `the program of the hook ${hook} (usernetes.hooks.${hook})`;
  t.equal(
    await prints({ USERNETES_BEFORE_UP: "/opt/none" }),
    `${what("before-up")} is not on this node: /opt/none; install it there, or change usernetes.hooks`,
  );
  t.match(
    await prints({ USERNETES_BEFORE_DOWN: "no-such-program" }),
    `${what("before-down")} is not on the PATH of this node: no-such-program; the PATH is ${node.env["PATH"]}`,
  );
  t.match(
    await prints({ USERNETES_AFTER_READY: "hooks/none" }),
    `is not on this node: ${node.template}/hooks/none`,
  );
  chmodSync(path, 0o644);
  t.match(await prints({ USERNETES_BEFORE_UP: path }), `is not a file that `);
  t.match(await prints({ USERNETES_BEFORE_UP: node.directory }), ` can execute: ${node.directory}`);
  symlinkSync("/nowhere", join(node.directory, "dangling"));
  t.match(
    await prints({ USERNETES_BEFORE_UP: join(node.directory, "dangling") }),
    "is not on this node",
  );
});

t.test("stage accepts existing programs, and checks after-ready on the lead alone", async (t) => {
  const node = newNode(t);
  const env = {
    USERNETES_BEFORE_UP: program(node, "hook", "true"),
    USERNETES_BEFORE_DOWN: "sh",
    USERNETES_AFTER_READY: "kubectl",
  };
  t.match(await node.step("stage", env), { exitCode: 0, stderr: "" });
  const worker = { USERNETES_AFTER_READY: "/opt/none", USERNETES_LEAD: "1" };
  t.match(await node.step("stage", worker), { exitCode: 0 });
});
