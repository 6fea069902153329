/** Tests that the stand-in template and engines create, show and remove a cluster. */
import { until } from "../hosts/until.js";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import t from "tap";
import { TEMPLATE } from "./paths.js";
import { startInstance, type Sandbox } from "./start-instance.js";

const TARGETS = [
  ..."up kubeadm-init kubeadm-join join-command sync-external-ip install-flannel down-v ready".split(
    " ",
  ),
];

async function open(t: { teardown: (end: () => unknown) => void }): Promise<Sandbox> {
  const sandbox = await startInstance({ size: 2 });
  t.teardown(() => sandbox.stop());
  for (const target of TARGETS) writeFileSync(`${sandbox.testbed}/seconds/${target}`, "0.05\n");
  for (const rank of [0, 1]) mkdirSync(`${sandbox.disk(rank)}/w`, { recursive: true });
  await sandbox.flux(["exec", "-n", "cp", "-a", `${TEMPLATE}/.`, `${sandbox.disk(0)}/w`]);
  return sandbox;
}

const make = (sandbox: Sandbox, rank: number, ...targets: string[]) => {
  const variables = ["COMPOSE=docker compose -p usernetes-x", `NODE_SUBNET=10.100.${rank}.0/24`];
  const argv = ["make", "-s", "-C", `${sandbox.disk(0)}/w`, ...variables, ...targets];
  return sandbox.flux(["exec", "-n", "-r", String(rank), ...argv]);
};

t.test("a cluster of two hosts is made, listed and removed", async (t) => {
  const sandbox = await open(t);
  const on = (rank: number, ...argv: string[]) =>
    sandbox.flux(["exec", "-n", "-r", String(rank), ...argv]);
  for (const rank of [0, 1]) t.equal((await make(sandbox, rank, "up")).exitCode, 0);
  t.equal((await make(sandbox, 0, "kubeadm-init", "join-command", "kubeconfig")).exitCode, 0);
  const join = readFileSync(`${sandbox.disk(0)}/w/join-command`, "utf8");
  writeFileSync(`${sandbox.disk(1)}/w/join-command`, join);
  t.match(await make(sandbox, 1, "kubeadm-join"), { exitCode: 0, stderr: /^\+ kubeadm join / });
  t.equal((await make(sandbox, 0, "sync-external-ip", "install-flannel")).exitCode, 0);
  const kubectl = ["kubectl", `--kubeconfig=${sandbox.disk(0)}/w/kubeconfig`];
  await on(0, ...kubectl, "wait", "--for=condition=Ready", "nodes", "--all", "--timeout=10s");
  const list = JSON.parse((await on(0, ...kubectl, "get", "nodes", "-o", "json")).stdout) as {
    items: { metadata: { name: string }; status: { conditions: unknown[] } }[];
  };
  t.same(
    list.items.map(({ metadata, status }) => [metadata.name, status.conditions]),
    ["u7s-node0", "u7s-node1"].map((name) => [name, [{ type: "Ready", status: "True" }]]),
  );
  const filter = ["--filter", "label=com.docker.compose.project=usernetes-x"];
  t.equal((await on(1, "docker", "ps", "-aq", ...filter)).stdout, "usernetes-x-node-1\n");
  t.equal((await make(sandbox, 0, "down-v")).exitCode, 0);
  t.equal((await on(0, "docker", "image", "rm", "usernetes-x-node:latest")).exitCode, 0);
  t.notOk(existsSync(`${sandbox.testbed}/engine/node0/usernetes-x`));
  t.ok(existsSync(`${sandbox.testbed}/engine/node1/usernetes-x`));
  await on(1, "docker", "rm", "-f", "usernetes-x-node-1");
  await on(1, "docker", "network", "rm", "usernetes-x_default");
  const volumes = ["var", "opt", "etc"].map((name) => `usernetes-x_node-${name}`);
  t.equal((await on(1, "docker", "volume", "rm", ...volumes)).exitCode, 0);
  t.equal((await on(1, "docker", "rmi", "usernetes-x-node")).exitCode, 0);
  t.notOk(existsSync(`${sandbox.testbed}/engine/node1/usernetes-x`));
});

t.test("faults happen where and as often as requested", async (t) => {
  const sandbox = await open(t);
  writeFileSync(`${sandbox.testbed}/fault/node1.up`, "exit 7 once\n");
  t.equal((await make(sandbox, 0, "up")).exitCode, 0);
  t.match(await make(sandbox, 1, "up"), {
    exitCode: 2,
    stderr: /^injected fault in up on node1\nmake: \*\*\* .* Error 7\n/,
  });
  t.equal((await make(sandbox, 1, "up")).exitCode, 0);
  t.match(readFileSync(`${sandbox.testbed}/steps.log`, "utf8"), / node1 up fault exit 7\n/);
});

t.test("two projects on a host cannot have the same ports", async (t) => {
  const sandbox = await open(t);
  t.equal((await make(sandbox, 0, "up")).exitCode, 0);
  t.match(await make(sandbox, 0, "up", "COMPOSE=docker compose -p usernetes-y"), {
    exitCode: 2,
    stderr: /Bind for 0\.0\.0\.0:2379 failed: port is already allocated/,
  });
  t.equal((await make(sandbox, 0, "kubeadm-init", "kubeconfig")).exitCode, 0);
  const other = ["down-v", "COMPOSE=docker compose -p usernetes-y"];
  t.equal((await make(sandbox, 0, ...other)).exitCode, 0);
  const kubectl = ["kubectl", `--kubeconfig=${sandbox.disk(0)}/w/kubeconfig`, "get", "nodes"];
  const { stdout } = await sandbox.flux(["exec", "-n", "-r", "0", ...kubectl]);
  t.match(stdout, /u7s-node0/, "a teardown leaves the control plane of another project");
});

t.test("a step that starts on a node while it still runs there is recorded", async (t) => {
  const sandbox = await open(t);
  writeFileSync(`${sandbox.testbed}/seconds/up`, "1\n");
  const first = make(sandbox, 0, "up");
  const log = () => readFileSync(`${sandbox.testbed}/steps.log`, "utf8");
  const started = () => existsSync(`${sandbox.testbed}/steps.log`) && log().includes("up begin");
  await until("up begins", started);
  await make(sandbox, 0, "up");
  await first;
  t.match(log(), / node0 up overlap \d+\n/);
  await make(sandbox, 0, "up");
  t.equal(log().match(/overlap/g)?.length, 1, "and one that comes later is not");
});
