/** The adjustments: changes to a cluster's copy of the template that make it start sooner. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { execa } from "execa";
import { join } from "node:path";
import t, { type Test } from "tap";
import { ADJUSTMENTS, DEFAULT_ADJUSTMENTS } from "../../lib/config/schema.js";
import { Node, OWN, PROJECT } from "../fakes/node.js";

const CONFIG = `# A site's own.
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
controllerManager:
  extraArgs:
    - name: cloud-provider
      value: external
networking:
  podSubnet: "10.244.0.0/16"
---
kind: KubeletConfiguration
`;

function nodeOf(t: Test, config: string, { copy = true } = {}): Node {
  const node = new Node();
  t.teardown(() => {
    node.remove();
  });
  node.staged();
  node.note("container", `${PROJECT}_node_1\n`);
  node.note("in-container", '[ "$*" != "kubeadm version -o short" ] || echo v1.35.0');
  writeFileSync(join(node.workdir, "kubeadm-config.yaml"), config, { mode: 0o644 });
  if (!copy) rmSync(join(node.workdir, ".usernetes/staged"));
  return node;
}

/** kubeadm's configuration after kubeadm-init with these adjustments, or the step's error. */
async function adjusted(node: Node, names: readonly string[]): Promise<string> {
  const { exitCode, stderr } = await node.step("kubeadm-init", {
    USERNETES_ADJUSTMENTS: names.join(" "),
  });
  return exitCode === 0 ? node.read("kubeadm-config.yaml") : stderr;
}

const inserted = (config: string, after: string, text: string) =>
  config.replace(`${after}\n`, `${after}\n${text}`);

t.test("kubernetesVersion becomes that of the node's kubeadm", async (t) => {
  const node = nodeOf(t, CONFIG);
  const expected = inserted(CONFIG, "kind: ClusterConfiguration", "kubernetesVersion: v1.35.0\n");
  t.equal(await adjusted(node, ["kubernetes-version"]), expected);
  t.equal(statSync(join(node.workdir, "kubeadm-config.yaml")).mode & 0o777, 0o644);
  t.strictSame(
    readdirSync(node.workdir).filter((name) => name.startsWith("kubeadm-config.yaml.")),
    [],
  );
});

t.test("a second adjustment changes nothing", async (t) => {
  const node = nodeOf(t, CONFIG);
  const once = await adjusted(node, ADJUSTMENTS);
  t.match(once, "unsafe-no-fsync");
  node.note("in-container", "echo v1.99.0");
  rmSync(join(node.workdir, OWN, "kubeadm-init.done"));
  t.equal(await adjusted(node, ADJUSTMENTS), once);
});

t.test("a template that names its version keeps it", async (t) => {
  for (const line of ["kubernetesVersion: v1.30.1", '"kubernetesVersion": "${VERSION}"']) {
    const own = inserted(CONFIG, "kind: ClusterConfiguration", `${line}\n`);
    t.equal(await adjusted(nodeOf(t, own), ["kubernetes-version"]), own);
  }
});

t.test("a kubeadm without a valid version changes nothing", async (t) => {
  for (const answer of ["exit 1", "echo v1.35.0; echo $(id)", "echo '1.35'", "echo 'v1.3.5: {}'"]) {
    const node = nodeOf(t, CONFIG);
    node.note("in-container", answer);
    t.equal(await adjusted(node, ["kubernetes-version"]), CONFIG, answer);
  }
});

t.test(
  "controller manager and scheduler elect no leader, in either form of arguments",
  async (t) => {
    const names = ["no-leader-election"];
    const LIST = '    - name: leader-elect\n      value: "false"\n';
    const scheduler = `scheduler:\n  extraArgs:\n${LIST}`;
    const both = (config: string) =>
      inserted(inserted(config, "  extraArgs:", LIST), "kind: ClusterConfiguration", scheduler);
    t.equal(await adjusted(nodeOf(t, CONFIG), names), both(CONFIG));
    const map = CONFIG.replaceAll("v1beta4", "v1beta3").replace(
      "    - name: cloud-provider\n      value: external",
      "    cloud-provider: external",
    );
    t.equal(
      await adjusted(nodeOf(t, map), names),
      both(map).replaceAll(LIST, '    leader-elect: "false"\n'),
      "until v1beta3 arguments are a map",
    );
    const flush = CONFIG.replace("    - name", "  - name").replace("      value", "    value");
    t.match(
      await adjusted(nodeOf(t, flush), names),
      '  extraArgs:\n  - name: leader-elect\n    value: "false"\n  - name: cloud-provider',
    );
    const own = inserted(CONFIG, "  extraArgs:", LIST.replace("false", "true"));
    t.equal(
      await adjusted(nodeOf(t, own), names),
      inserted(own, "kind: ClusterConfiguration", scheduler),
      "what the template sets stays",
    );
  },
);

t.test("the controller manager may send requests faster", async (t) => {
  const RATE =
    '    - name: kube-api-qps\n      value: "200"\n    - name: kube-api-burst\n      value: "400"\n';
  const rate = ["controller-rate"];
  t.equal(await adjusted(nodeOf(t, CONFIG), rate), inserted(CONFIG, "  extraArgs:", RATE));
  const own = inserted(CONFIG, "  extraArgs:", RATE.replace("200", "50"));
  t.equal(await adjusted(nodeOf(t, own), rate), own, "what the template sets stays");
  const half = inserted(
    CONFIG,
    "  extraArgs:",
    RATE.slice(0, RATE.indexOf("    - name: kube-api-b")),
  );
  t.match(
    await adjusted(nodeOf(t, half), rate),
    '  extraArgs:\n    - name: kube-api-burst\n      value: "400"\n    - name: kube-api-qps\n',
  );
});

t.test("a component that the template does not configure gets all its arguments", async (t) => {
  const bare = CONFIG.replace(/controllerManager:\n(.*\n){3}/, "");
  const changed = await adjusted(nodeOf(t, bare), ["no-leader-election", "controller-rate"]);
  t.equal(
    changed,
    inserted(
      bare,
      "kind: ClusterConfiguration",
      `controllerManager:
  extraArgs:
    - name: leader-elect
      value: "false"
    - name: kube-api-qps
      value: "200"
    - name: kube-api-burst
      value: "400"
scheduler:
  extraArgs:
    - name: leader-elect
      value: "false"
`,
    ),
  );
});

t.test("an unknown form stays unchanged", async (t) => {
  const flow = CONFIG.replace(/extraArgs:\n.*\n.*\n/, "extraArgs: [{name: a, value: b}]\n");
  const changed = await adjusted(nodeOf(t, flow), ["no-leader-election"]);
  t.match(changed, "controllerManager:\n  extraArgs: [{name: a, value: b}]\n");
  const json = '{"kind": "ClusterConfiguration"}\n';
  t.equal(await adjusted(nodeOf(t, json), ADJUSTMENTS), json);
  const external = inserted(CONFIG, "kind: ClusterConfiguration", "etcd:\n  external: {}\n");
  t.equal(await adjusted(nodeOf(t, external), ["etcd-no-fsync"]), external);
});

t.test("keys of elliptic curves are the default, and etcd without fsync is not", async (t) => {
  const plain = await adjusted(nodeOf(t, CONFIG), DEFAULT_ADJUSTMENTS);
  t.match(plain, "encryptionAlgorithm: ECDSA-P256");
  t.notMatch(plain, "fsync");
  const older = CONFIG.replaceAll("v1beta4", "v1beta3");
  t.notMatch(await adjusted(nodeOf(t, older), DEFAULT_ADJUSTMENTS), "ECDSA");
  const all = await adjusted(nodeOf(t, CONFIG), ["ecdsa-keys", "etcd-no-fsync"]);
  const etcd =
    'etcd:\n  local:\n    extraArgs:\n      - name: unsafe-no-fsync\n        value: "true"\n';
  t.equal(
    all,
    inserted(CONFIG, "kind: ClusterConfiguration", `encryptionAlgorithm: ECDSA-P256\n${etcd}`),
  );
});

t.test(
  "a directory that a person made stays unchanged, and so does the target of a link",
  async (t) => {
    t.equal(await adjusted(nodeOf(t, CONFIG, { copy: false }), ADJUSTMENTS), CONFIG);
    const node = nodeOf(t, CONFIG);
    const other = join(node.elsewhere, "kubeadm-config.yaml");
    writeFileSync(other, CONFIG);
    rmSync(join(node.workdir, "kubeadm-config.yaml"));
    symlinkSync(other, join(node.workdir, "kubeadm-config.yaml"));
    t.equal(await adjusted(node, ADJUSTMENTS), CONFIG);
  },
);

t.test("kubeadm-init sets no addresses if all are set after the joins", async (t) => {
  const node = nodeOf(t, CONFIG);
  node.program("make", 'for word; do echo "$word" >>"$NOTES/words"; done');
  await node.step("kubeadm-init", { USERNETES_ADJUSTMENTS: "one-sync" });
  const [target, override = ""] = node.noted("words");
  t.equal(target, "kubeadm-init");
  writeFileSync(
    join(node.directory, "Makefile"),
    `kubeadm-init:
	@$(MAKE) sync-external-ip
	@$(MAKE) nested
nested:
	@$(MAKE) sync-external-ip; echo nested
sync-external-ip:
	@echo synced
`,
  );
  const make = (...args: string[]) =>
    execa("make", ["--no-print-directory", "-C", node.directory, "kubeadm-init", ...args]);
  t.equal((await make(override)).stdout, "nested");
  t.equal((await make()).stdout, "synced\nsynced\nnested", "without it each is made");
});

const SYNC = `#!/bin/bash
set -eu -o pipefail

for node in $(kubectl get nodes -o name); do
	# Set ExternalIP
	ip="$(kubectl get "\${node}" -o jsonpath='{.metadata}')"
	kubectl annotate "\${node}" address="\${ip}"
	if echo "\${ip}" | grep -q none; then
		kubectl taint nodes "\${node}" uninitialized-
	fi
done
`;

t.test("the external addresses of several nodes are set at the same time", async (t) => {
  const kubectl = `case "$*" in
*"nodes -o name") printf 'node/%s\\n' a b ;;
"get node/"*) echo "address-of-$2" ;;
*)
  # Each node waits for the other one.
  : >"$NOTES/seen-\${2#node/}"
  for _ in $(seq 100); do [ -e "$NOTES/seen-a" ] && [ -e "$NOTES/seen-b" ] && break; sleep 0.1; done
  [ -e "$NOTES/seen-a" ] && [ -e "$NOTES/seen-b" ] || exit 1
  [ ! -e "$NOTES/fails" ] || [ "$2" != node/a ] || exit 7
  echo "$*" >>"$NOTES/asked"
esac`;
  const synced = async (script: string, names = "parallel-sync", fails = false) => {
    const node = nodeOf(t, CONFIG);
    mkdirSync(join(node.workdir, "Makefile.d"));
    const file = join(node.workdir, "Makefile.d/sync-external-ip.sh");
    writeFileSync(file, script, { mode: 0o755 });
    node.note("make.sync-external-ip", "exec Makefile.d/sync-external-ip.sh");
    node.program("kubectl", kubectl);
    if (fails) node.note("fails", "");
    const step = () => node.step("sync-external-ip", { USERNETES_ADJUSTMENTS: names });
    const { exitCode, stderr } = await step();
    return { exitCode, stderr, node, step, text: node.read("Makefile.d/sync-external-ip.sh") };
  };

  const both = await synced(SYNC);
  t.equal(both.exitCode, 0, both.stderr);
  t.strictSame(both.node.noted("asked").sort(), [
    "annotate node/a address=address-of-node/a",
    "annotate node/b address=address-of-node/b",
  ]);
  t.equal(statSync(join(both.node.workdir, "Makefile.d/sync-external-ip.sh")).mode & 0o777, 0o755);
  await both.step();
  t.equal(both.node.read("Makefile.d/sync-external-ip.sh"), both.text, "it is changed only once");
  t.not((await synced(SYNC, "parallel-sync", true)).exitCode, 0, "a failure on one node counts");
  for (const form of [
    SYNC.replace("/bin/bash", "/bin/sh"),
    SYNC.replace("kubectl get nodes -o name", "kubectl get nodes -l a=b -o name"),
    SYNC.replace("if echo", "[ -n x ] || continue\n\tif echo"),
    SYNC + "for i in 1; do\ntrue\ndone\n",
  ])
    t.equal((await synced(form)).text, form, "another form stays unchanged");
  t.equal((await synced(SYNC, "one-sync")).text, SYNC, "switched off");
});

t.test("the container knows host.docker.internal", async (t) => {
  const staged = async (prepare: (node: Node) => void, names = "host-docker-internal") => {
    const node = new Node();
    t.teardown(() => {
      node.remove();
    });
    prepare(node);
    const { exitCode, stderr } = await node.step("stage", { USERNETES_ADJUSTMENTS: names });
    t.equal(exitCode, 0, stderr);
    return node;
  };
  const override = "docker-compose.override.yaml";
  const has = (node: Node) => existsSync(join(node.workdir, override));

  const node = await staged(() => undefined);
  t.equal(
    node.read(override).replace(/^#.*\n/, ""),
    `services:
  node:
    extra_hosts:
      - "host.docker.internal:\${USERNETES_GATEWAY:-127.0.0.1}"
`,
  );
  t.ok(node.read(`${OWN}/node.env`).split("\n").includes("USERNETES_GATEWAY=10.100.0.1"));
  t.notOk(has(await staged(() => undefined, "")), "switched off");
  const file = (name: string, text: string) => (node: Node) => {
    writeFileSync(join(node.template, name), text);
  };
  t.notOk(has(await staged(file("compose.override.yml", "services: {}\n"))), "it has its own");
  const named = `services:\n  node:\n    extra_hosts: ["host.docker.internal:host-gateway"]\n`;
  const own = await staged(file("docker-compose.yaml", `${named}    volumes: [".:/usernetes"]\n`));
  t.notOk(has(own), "it has the name");
});

t.test("join-command waits until the token is signed, for a limited time", async (t) => {
  /** The number of times that join-command asks the cluster if kubectl gives this answer. */
  const asked = async (answer: string, names = "signed-token") => {
    const node = nodeOf(t, CONFIG);
    const line = "kubeadm join a:1 --token abcdef.0123456789abcdef";
    node.note("make.join-command", `echo '${line}' >join-command`);
    // The step's own script runs, with stand-ins for kubectl and the clock.
    node.note("in-container", '[ "$1" != sh ] || exec "$@"');
    node.program("date", 'read -r now <"$NOTES/now"; echo $((now + 1)) >"$NOTES/now"; echo "$now"');
    node.note("now", "100\n");
    node.program(
      "kubectl",
      `echo "$*" >>"$NOTES/asked"; times=$(grep -c . "$NOTES/asked"); ${answer}`,
    );
    node.env["USERNETES_ADJUSTMENTS"] = names;
    const [result] = await node.call("join-command");
    t.equal(result, `result join-command: ${line}\n`);
    return node.noted("asked").length;
  };
  const signed = (id: string) => `echo '  jws-kubeconfig-${id}: x'; echo '  kubeconfig: y'`;
  t.equal(
    await asked(`[ "$times" -lt 4 ] && echo '  kubeconfig: y' || { ${signed("abcdef")}; }`),
    4,
  );
  t.equal(await asked(signed("123456")), 10, "another's is not it, and 10 s are enough");
  t.equal(await asked("exit 1"), 1, "a cluster that does not answer is not waited for");
  t.equal(await asked(`echo '{"items":[]}'`), 1, "nor one without cluster-info");
  t.equal(await asked(signed("123456"), ""), 0, "switched off");
});

t.test("up ends when the node's container runtime answers", async (t) => {
  const up = async (programs: Record<string, string>, seconds = 20) => {
    const node = nodeOf(t, CONFIG);
    const inside = join(node.directory, "inside");
    mkdirSync(inside);
    for (const [name, text] of Object.entries(programs))
      writeFileSync(join(inside, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    node.program(
      "date",
      'now=$(cat "$NOTES/now" 2>/dev/null); echo $((now + 1)) >"$NOTES/now"; echo "$now"',
    );
    node.note("in-container", `PATH=${inside}:$PATH; [ "$1" != sh ] || exec sh -s ${seconds}`);
    const { exitCode, stderr } = await node.step("up");
    return { exitCode, stderr, done: existsSync(join(node.workdir, `${OWN}/up.done`)), node };
  };
  const loaded = { systemctl: "echo LoadState=loaded" };
  const slow = `echo 1 >>"$NOTES/tries"; [ "$(grep -c . "$NOTES/tries")" -gt 3 ]`;
  const waited = await up({ crictl: slow, ...loaded });
  t.equal(waited.exitCode, 0, waited.stderr);
  t.equal(waited.node.noted("tries").length, 4);
  t.ok(waited.done);
  t.equal((await up({ ctr: "true", ...loaded })).exitCode, 0, "by ctr where there is no crictl");
  t.equal((await up({})).exitCode, 0, "an image without both is not waited for");
  const never = await up({ crictl: 'echo "usage"; echo "no such socket" >&2; exit 1' }, 3);
  t.equal(never.exitCode, 1);
  t.equal(
    never.stderr,
    "the node's container is not ready for kubeadm after 120 s: the container runtime does not answer: no such socket",
  );
  t.notOk(never.done, "so that another try starts the node again");
  const bare = await up({ ctr: "true", systemctl: "echo LoadState=not-found" }, 3);
  t.match(bare.stderr, /: systemd has not loaded kubelet\.service: LoadState=not-found$/);
});
