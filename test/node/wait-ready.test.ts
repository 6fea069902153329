/** The script of wait-ready waits until a cluster is usable. kubectl is a stand-in. */
import t, { type Test } from "tap";
import { Node, PROJECT } from "../fakes/node.js";

type Json = Record<string, unknown>;

const daemonSet = (available: number, more: Json = {}, status: Json = {}): Json => ({
  kind: "DaemonSet",
  metadata: { namespace: "kube-anything", name: "some-net", generation: 2 },
  spec: { template: { spec: { hostNetwork: true } } },
  status: {
    ...{ observedGeneration: 2, desiredNumberScheduled: 3, updatedNumberScheduled: 3 },
    numberAvailable: available,
    ...status,
  },
  ...more,
});

const service = (more: Json = {}): Json => ({
  kind: "Service",
  metadata: { namespace: "kube-system", name: "kube-dns" },
  spec: {
    clusterIP: "10.96.0.10",
    selector: { "k8s-app": "kube-dns" },
    ports: [
      { port: 53, protocol: "UDP" },
      { port: 53, protocol: "TCP" },
    ],
    ...more,
  },
});

const deployment = (available: number, more: Json = {}, labels: Json = {}): Json => ({
  kind: "Deployment",
  metadata: { namespace: "kube-system", name: "coredns", generation: 1 },
  spec: {
    replicas: 2,
    template: { metadata: { labels: { "k8s-app": "kube-dns", ...labels } } },
    ...more,
  },
  status: {
    ...{ observedGeneration: 1, availableReplicas: available },
    conditions: [{ type: "Available", status: available > 0 ? "True" : "False" }],
  },
});

const event = (name: string, message: string, at: string): Json => ({
  kind: "Event",
  involvedObject: { name },
  ...{ reason: "FailedScheduling", message, lastTimestamp: at },
});

/**
 * A node with a stand-in for kubectl. The n-th query of a kind gets the n-th of the kind's lists,
 * and later queries get the last one. A text is a script that answers instead. The queries of
 * DNS are of the kind `dns`.
 */
class Played {
  readonly node = new Node();

  constructor(t: Test) {
    t.teardown(() => {
      this.node.remove();
    });
    this.node.staged();
    this.node.note("container", `${PROJECT}_node_1\n`);
    this.node.note(
      "in-container",
      `echo "$*" >>"$NOTES/calls"
case "$2 $3" in
  "get "*) what=$3 ;;
  "rollout status" | wait*) exit 1 ;;
  "delete node") exit 0 ;;
  "8 bash") what=dns ;;
esac
count=$(grep -c . "$NOTES/asked.$what" 2>/dev/null) || count=0
echo x >>"$NOTES/asked.$what"
while [ "$count" -gt 0 ] && [ ! -e "$NOTES/$what.$count" ]; do count=$((count - 1)); done
[ -e "$NOTES/$what.$count" ] || { echo '{"items":[]}'; exit 0; }
. "$NOTES/$what.$count"`,
    );
  }

  has(kind: string, ...lists: (Json[] | string)[]): this {
    for (const [at, list] of lists.entries())
      this.node.note(
        `${kind}.${at}`,
        typeof list === "string" ? list : `cat <<'END'\n${JSON.stringify({ items: list })}\nEND`,
      );
    return this;
  }

  async waits(ready = "dns", env: Record<string, string> = {}): Promise<string[]> {
    const { exitCode, stdout, stderr } = await this.node.step("wait-ready", {
      USERNETES_READY: ready,
      USERNETES_SIZE: "3",
      ...env,
    });
    return exitCode === 0 ? stdout.split("\n") : [stdout, stderr, String(exitCode)];
  }
}

const ANSWERS = "exit 0";
const ROLLED_OUT = "the pod network is rolled out";
const NO_DNS = "the cluster has no DNS to wait for";

t.test("wait-ready waits for the network on every node, then DNS, then an answer", async (t) => {
  const played = new Played(t)
    .has("daemonsets", [daemonSet(1)], [daemonSet(3)])
    .has("services", [service()])
    .has("deployments", [deployment(0)], [deployment(1)])
    .has("dns", "exit 1", ANSWERS);
  t.strictSame(await played.waits(), [
    "some-net: 1 of 3 available",
    ROLLED_OUT,
    "coredns: 0 of 2 available",
    "the DNS Service at 10.96.0.10 does not answer",
    "DNS answers",
  ]);
  const watched = played.node.noted("calls").filter((call) => call.includes("--timeout"));
  t.strictSame(watched, [
    "kubectl rollout status daemonset/some-net -n kube-anything --timeout=5s",
    "kubectl wait --for=condition=Available deployment/coredns -n kube-system --timeout=5s",
  ]);
});

t.test("the configuration decides how far wait-ready waits", async (t) => {
  const slow = (t: Test) =>
    new Played(t).has("daemonsets", [daemonSet(3)]).has("services", [service()]);
  const network = slow(t);
  t.strictSame(await network.waits("network"), [ROLLED_OUT]);
  t.strictSame(network.node.noted("asked.services"), [], "DNS is not looked for");
  const nodes = slow(t);
  t.strictSame(await nodes.waits("nodes"), [""]);
  t.strictSame(nodes.node.noted("calls"), []);
});

t.test("wait-ready waits for a DaemonSet that its controller has not seen yet", async (t) => {
  const unseen = daemonSet(0, {}, { observedGeneration: undefined, desiredNumberScheduled: 0 });
  const played = new Played(t).has("daemonsets", [unseen], [daemonSet(3)]);
  t.strictSame(await played.waits("network"), ["some-net: 0 of ? available", ROLLED_OUT]);
});

t.test("pods of an older generation do not count", async (t) => {
  const old = daemonSet(3, {}, { updatedNumberScheduled: 1 });
  const played = new Played(t).has("daemonsets", [old], [daemonSet(3)]);
  t.strictSame(await played.waits("network"), ["some-net: 1 of 3 available", ROLLED_OUT]);
});

t.test("wait-ready does not wait for objects that the cluster does not have", async (t) => {
  const spec = { template: { spec: {} } };
  const other = daemonSet(0, { spec });
  const elsewhere = daemonSet(0, {}, { desiredNumberScheduled: 0, updatedNumberScheduled: 0 });
  const cases: [string, Played, string[]][] = [
    ["nothing", new Played(t), [ROLLED_OUT, NO_DNS]],
    [
      "a DaemonSet in the pod network",
      new Played(t).has("daemonsets", [other]),
      [ROLLED_OUT, NO_DNS],
    ],
    ["one that no node is for", new Played(t).has("daemonsets", [elsewhere]), [ROLLED_OUT, NO_DNS]],
    ["a Service alone", new Played(t).has("services", [service()]), [ROLLED_OUT, NO_DNS]],
    [
      "a Service for another Deployment",
      new Played(t)
        .has("services", [service()])
        .has("deployments", [deployment(0, {}, { "k8s-app": "other" })]),
      [ROLLED_OUT, NO_DNS],
    ],
    [
      "a DNS of no replicas",
      new Played(t)
        .has("services", [service()])
        .has("deployments", [deployment(0, { replicas: 0 })]),
      [ROLLED_OUT, NO_DNS],
    ],
    [
      "a Service that cannot be asked over TCP",
      new Played(t)
        .has("services", [service({ ports: [{ port: 53, protocol: "UDP" }] })])
        .has("deployments", [deployment(2)]),
      [ROLLED_OUT, "the DNS Service has no TCP port to ask", "DNS answers"],
    ],
    [
      "a node without a program to ask with",
      new Played(t)
        .has("services", [service()])
        .has("deployments", [deployment(2)])
        .has("dns", 'echo "exec: bash: not found" >&2; exit 127'),
      [ROLLED_OUT, "the node cannot ask its DNS: exec: bash: not found", "DNS answers"],
    ],
    [
      "an old stand-in, whose kubectl lists nodes whatever it is asked for",
      new Played(t)
        .has("daemonsets", [{ kind: "Node", metadata: { name: "u7s-a" } }])
        .has("services", [{ kind: "Node", metadata: { name: "u7s-a" } }]),
      [ROLLED_OUT, NO_DNS],
    ],
  ];
  for (const [what, played, lines] of cases) t.strictSame(await played.waits(), lines, what);
});

t.test("wait-ready repeats a failed kubectl and reports its output", async (t) => {
  const refused = 'echo "Unable to connect to the server: EOF" >&2; exit 1';
  const played = new Played(t)
    .has("daemonsets", refused, "echo no JSON", [daemonSet(3)])
    .has("services", refused, [service()])
    .has("deployments", refused, [deployment(2)])
    .has("dns", ANSWERS);
  const lines = await played.waits();
  t.match(lines[1], /^kubectl get daemonsets: (jq: )?parse error/);
  t.strictSame(lines.toSpliced(1, 1), [
    "kubectl get daemonsets: Unable to connect to the server: EOF",
    ROLLED_OUT,
    "kubectl get services: Unable to connect to the server: EOF",
    "kubectl get deployments: Unable to connect to the server: EOF",
    "DNS answers",
  ]);
});

t.test("the reason is the last event of the object that wait-ready waits for", async (t) => {
  const played = new Played(t)
    .has("daemonsets", [daemonSet(3)])
    .has("services", [service()])
    .has("deployments", [deployment(0)], [deployment(0)], [deployment(2)])
    .has("events", [
      event("coredns-x-1", "0/1 nodes\n are available", "2026-11-30T00:00:02Z"),
      event("coredns-x-1", "earlier", "2026-11-30T00:00:01Z"),
      event("corednsx", "another's", "2026-11-30T00:00:03Z"),
      event("coredns-x-1", "with abcdef.0123456789abcdef in it", "2026-11-30T00:00:00Z"),
    ])
    .has("dns", ANSWERS);
  t.strictSame((await played.waits()).slice(1), [
    "coredns: 0 of 2 available",
    "coredns: 0 of 2 available; last event: FailedScheduling: 0/1 nodes are available",
    "DNS answers",
  ]);
});

t.test("workers that the cluster lacks do not count", async (t) => {
  const played = new Played(t).has("daemonsets", [daemonSet(2)], [daemonSet(3)]);
  await played.waits("network", { USERNETES_WITHOUT: "u7s-b" });
  t.ok(played.node.noted("calls").includes("kubectl delete node --ignore-not-found u7s-b"));
});

t.test("wait-ready ends if the node's container has died", async (t) => {
  const played = new Played(t).has("daemonsets", ': >"$NOTES/container"; exit 1');
  t.match((await played.waits()).slice(1), [/^the node's container has died/, "1"]);
});

t.test("a running wait-ready reports what it waits for", async (t) => {
  const played = new Played(t)
    .has("daemonsets", [daemonSet(1)], [daemonSet(3)])
    .has("services", []);
  const [first, ...rest] = await played.node.call("wait-ready");
  t.equal(first, "progress wait-ready: some-net: 1 of 3 available");
  t.match(rest.at(-1), /^wait-ready: ok/);
  t.end();
});
