/** The script of wait-nodes lets pods run on the lead, or not. kubectl is a stand-in. */
import t, { type Test } from "tap";
import { Node, PROJECT } from "../fakes/node.js";

const TAINT = "node-role.kubernetes.io/control-plane";
const LABEL = "node.kubernetes.io/exclude-from-external-load-balancers";

const lead = {
  kind: "Node",
  metadata: { name: "u7s-a", labels: { [LABEL]: "", other: "x" } },
  spec: { taints: [{ key: TAINT, effect: "NoSchedule" }, { key: "other" }] },
};
const bare = { kind: "Node", metadata: { name: "u7s-b" }, spec: {} };

/**
 * A node whose `kubectl get nodes` gives these nodes until a label has been removed. With
 * `refuses`, the first removal fails.
 */
function nodeOf(t: Test, nodes: object[], { refuses = false } = {}): Node {
  const node = new Node();
  t.teardown(() => {
    node.remove();
  });
  node.staged();
  node.note("container", `${PROJECT}_node_1\n`);
  node.note("before", JSON.stringify({ items: nodes }));
  node.note(
    "after",
    JSON.stringify({ items: [{ ...lead, metadata: { name: "u7s-a" }, spec: {} }] }),
  );
  node.note("refuses", refuses ? "1" : "");
  node.note(
    "in-container",
    `echo "$*" >>"$NOTES/calls"
case "$2" in
  wait) for name in ${nodes.map((_, i) => `n${i}`).join(" ")}; do echo "node/$name condition met"; done ;;
  get) if grep -q label "$NOTES/done" 2>/dev/null; then cat "$NOTES/after"; else cat "$NOTES/before"; fi ;;
  taint | label) if [ -s "$NOTES/refuses" ]; then : >"$NOTES/refuses"; echo "the server is busy" >&2; exit 1; fi
    echo "$2" >>"$NOTES/done" ;;
esac`,
  );
  return node;
}

async function removals(node: Node, mode: string, size: number): Promise<string[]> {
  const env = { USERNETES_SIZE: String(size), USERNETES_SCHEDULE_ON_LEAD: mode };
  const { exitCode, stderr } = await node.step("wait-nodes", env);
  if (exitCode !== 0) return [stderr];
  return node.noted("calls").filter((call) => /^kubectl (taint|label) /.test(call));
}

const ALL = [`kubectl taint nodes u7s-a ${TAINT}-`, `kubectl label nodes u7s-a ${LABEL}-`];

t.test("auto removes the taint and the label if the lead is the only node", async (t) => {
  t.strictSame(await removals(nodeOf(t, [lead]), "auto", 1), ALL);
  const two = nodeOf(t, [lead, bare]);
  t.strictSame(await removals(two, "auto", 2), []);
  t.notMatch(two.noted("calls").join("\n"), "get nodes", "which is not asked then");
  t.strictSame(await removals(nodeOf(t, [lead, bare]), "auto", 1), [], "there is another by hand");
});

t.test("yes always removes the taint and the label, and no never does", async (t) => {
  t.strictSame(await removals(nodeOf(t, [lead, bare]), "yes", 2), ALL);
  t.strictSame(await removals(nodeOf(t, [lead]), "no", 1), []);
});

t.test("a missing taint or label is not removed, and a failed removal is repeated", async (t) => {
  t.strictSame(await removals(nodeOf(t, [bare]), "auto", 1), []);
  const busy = nodeOf(t, [lead], { refuses: true });
  t.strictSame(await removals(busy, "auto", 1), [ALL[0], ...ALL]);
});
