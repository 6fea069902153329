/** A claim waits for ports and subnets until they are free or its time is over. */
import t from "tap";
import type { OpenCluster } from "../../lib/record/writer.js";
import { INSTANCE } from "../../lib/usernetes/names.js";
import { noCluster } from "../../lib/view/status.js";
import { OpenClusters } from "../../plugin/open-clusters.js";
import { claimOf } from "../fakes/clusters.js";
import { BEGIN_S } from "../fakes/fake-clock.js";
import { Life } from "../fakes/life.js";

const DEFAULTS = { etcd: 2379, kubelet: 10250, flannel: 8472, apiserver: 6443 };

/** A cluster with the default ports of usernetes, on these hosts. */
const other = (jobid: string, hosts: string[]): OpenCluster => ({
  jobid,
  claim: { ...claimOf(hosts.length > 1 ? `0-${hosts.length - 1}` : "0", hosts), ports: DEFAULTS },
});

const note = (life: Life) => String(life.job.last("exception")?.context?.["note"]);
const waits = (life: Life) => life.printed.filter((line) => line.includes("waiting: "));

t.test("a job waits for ports that another cluster still has", async (t) => {
  const life = new Life({ config: { ports: "default" }, open: [other("1", ["node0"])] });
  await life.alloc();
  life.clock.advance(60_000);
  await life.quiet();
  t.strictSame(life.record, [], "nothing is claimed, and nothing refused");
  t.match(waits(life), [
    /waiting: no ports are free on its nodes \(usernetes.ports\): ƒ2 has them$/,
  ]);
  const reason = "no ports are free on its nodes (usernetes.ports): ƒ2 has them";
  t.match(life.flux.memos, [{ usernetes: { state: "waiting", reason } }]);
  t.equal(noCluster(life.reconciler.cluster), `waiting: ${reason}`, "status reports it");
  life.world.open.remove(1n);
  await life.untilStarted();
  t.equal(life.record[0], "claim 0-2");
  const [claim] = life.flux.record;
  t.equal(
    claim?.name === "claim" && claim.context.deadline > BEGIN_S + 950,
    true,
    "its time begins",
  );
  t.equal(waits(life).length, 1, "logged once");
});

t.test("the wait for ports ends with the time of a bring-up, with the reason", async (t) => {
  const config = { ports: "default", "bring-up-timeout": "30s" };
  const life = new Life({ config, open: [other("1", ["node0"])] });
  await life.alloc();
  await life.untilClean();
  t.match(note(life), /^no ports are free .*: ƒ2 has them; waited 30s for them$/);
  t.strictSame(life.record, []);
});

t.test("a job that is canceled while it waits claims nothing", async (t) => {
  const life = new Life({ config: { ports: "default" }, open: [other("1", ["node0"])] });
  await life.alloc();
  life.job.exception("cancel", 0, "");
  await life.untilClean();
  life.world.open.remove(1n);
  await life.quiet();
  t.strictSame(life.record, []);
});

t.test("a job waits for subnets, and for the cluster of the instance", async (t) => {
  const three = other(String(INSTANCE), ["node0", "node1", "node2"]);
  const life = new Life({ config: { subnets: "10.100.0.0/22" }, open: [three] });
  life.flux.kvs.set(`usernetes.cluster.${INSTANCE}`, JSON.stringify(three));
  await life.alloc();
  await life.quiet();
  t.match(waits(life), [/no node subnets are free on its nodes .*: instance has them$/]);
  life.flux.kvs.delete(`usernetes.cluster.${INSTANCE}`);
  await life.untilStarted();
});

t.test("resources on a lost node do not reserve ports on other nodes", async (t) => {
  const left = { ...other("1", ["node0", "node9"]), left: [1] };
  const life = new Life({ config: { ports: "default" }, open: [left] });
  await life.alloc();
  await life.untilStarted();
  t.strictSame(waits(life), []);
});

t.test("a block that overlaps a network of a node is not chosen", async (t) => {
  const life = new Life({ networks: { 1: ["10.100.7.9/16"], 2: ["10.101.0.1", "0.0.0.0/1"] } });
  await life.alloc();
  await life.untilStarted();
  const [claim] = life.flux.record;
  t.match(claim, { context: { subnet: "10.101.1.0/24" } });
});

t.test("a job whose nodes leave no subnet free is refused at once", async (t) => {
  const life = new Life({ networks: { 1: ["10.0.0.0/8", "192.168.1.4/24"] } });
  await life.alloc();
  await life.untilClean();
  t.equal(
    note(life),
    "no node subnets are free on its nodes (usernetes.subnets): they overlap networks of the nodes, 10.0.0.0/8 (node1); set usernetes.subnets to a network that is not in use at this site",
  );
  t.strictSame(waits(life), []);
});

t.test("ten jobs that get their nodes at the same moment have different ports", async (t) => {
  const open = new OpenClusters();
  let answer: (networks: Map<number, string[]>) => void = () => undefined;
  // One answer of the bridge's process resolves many requests at once.
  const answered = new Promise<Map<number, string[]>>((resolve) => {
    answer = resolve;
  });
  const lives = Array.from({ length: 10 }, (_, i) => {
    const life = new Life({ jobid: BigInt(i + 1), ranks: [i % 2], hosts: [`node${i % 2}`] });
    life.world = { ...life.world, open, networks: { networksOf: () => answered } };
    life.reconciler = life.newReconciler();
    return life;
  });
  await Promise.all(lives.map((life) => life.alloc()));
  for (const life of lives) await life.quiet();
  answer(new Map());
  await Promise.all(lives.map((life) => life.untilStarted()));
  const taken = lives.map(({ cluster }) => {
    const { hosts = [], ports } = cluster.claim ?? {};
    return `${hosts.join()} ${ports?.etcd ?? ""}`;
  });
  t.equal(new Set(taken).size, lives.length, taken.join("; "));
});
