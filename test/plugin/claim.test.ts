/** The claim of a cluster: who may have one, and with which ports and subnets. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { claimOthers, makeClaim } from "../../plugin/claim.js";
import { BEGIN_S } from "../fakes/fake-clock.js";
import { claimOf } from "../fakes/clusters.js";
import { Life, OWNER, type LifeOptions } from "../fakes/life.js";

function claim(options: LifeOptions = {}) {
  const life = new Life(options);
  const { ranks = [0, 1, 2] } = options;
  const hosts = options.hosts ?? ranks.map((rank) => `node${rank}`);
  life.cluster.resources = { ranks, hosts };
  return makeClaim(life.cluster, life.world, new Map());
}

const refused = (options: LifeOptions) => (claim(options) as { refused?: string }).refused;

t.test("a claim has all values that the steps and a restart need", (t) => {
  t.strictSame(claim({ ranks: [3, 4, 9], hosts: ["c", "d", "z"] }), {
    version: 1,
    ranks: "3-4,9",
    lead: 3,
    hosts: ["c", "d", "z"],
    userid: OWNER,
    engine: "docker",
    workdir: "/tmp/usernetes-ƒ2qt1hsjy5",
    project: "usernetes-2qt1hsjy5",
    ports: { etcd: 20000, kubelet: 20001, flannel: 20002, apiserver: 20003 },
    subnet: "10.100.0.0/24",
    deadline: BEGIN_S + 900,
  });
  t.end();
});

t.test("the configuration sets the place and the limits of a claim", (t) => {
  t.match(claim({ config: { workdir: "/scratch", "bring-up-timeout": "30s", ports: "default" } }), {
    workdir: "/scratch/usernetes-ƒ2qt1hsjy5",
    deadline: BEGIN_S + 30,
    ports: { apiserver: 6443 },
  });
  t.end();
});

t.test("the job may ask for another engine that is offered", (t) => {
  const config = { engines: ["docker", "podman"] };
  t.match(claim({ config, user: { usernetes: { engine: "podman" } } }), { engine: "podman" });
  t.match(claim({ config }), { engine: "docker" });
  t.equal(
    refused({ config, user: { usernetes: "yes", usernetes_engine: "nerdctl" } }),
    'attributes.user.usernetes_engine: found "nerdctl", allowed here: docker, podman (usernetes.engines)',
  );
  t.end();
});

t.test("host names keep their spelling, and two that differ only in case are one", (t) => {
  const hosts = ["Node-A.Example.ORG", "node-b.example.org"];
  t.match(claim({ ranks: [0, 1], hosts }), { hosts });
  t.match(
    refused({ ranks: [0, 1], hosts: ["Node1", "node1"] }),
    /^the hosts Node1 and node1 differ/,
  );
  t.end();
});

t.test("only the instance owner's jobs have clusters, unless steps run as the job's user", (t) => {
  t.match(
    refused({ userid: OWNER + 1 }),
    /^jobs of uid 501 cannot .* set usernetes.run-as = "sudo"/,
  );
  const config = { "run-as": "sudo" };
  t.match(claim({ userid: OWNER + 1, config }), { userid: 501 });
  t.match(refused({ userid: 0, config }), /^root's jobs cannot have a cluster here/);
  t.end();
});

t.test("two brokers on one host cannot be nodes of one cluster", (t) => {
  t.equal(
    refused({ hosts: ["a", "b", "b"] }),
    "two of the job's ranks are on the host b: a cluster needs one broker per host",
  );
  t.end();
});

t.test("a host whose name cannot be a node's is refused with its name and the rule", (t) => {
  t.match(
    refused({ hosts: ["compute_0", "compute_1", "c"] }),
    /^the host name compute_0 .*RFC 1123/,
  );
  t.match(refused({ hosts: ["a", "b", "x".repeat(61)] }), /^the host name x{61} is too long/);
  t.end();
});

t.test("a cluster holds as many nodes as the template's podSubnet has /24", (t) => {
  const template = t.testdir();
  const ranks = Array.from({ length: 257 }, (_, i) => i);
  const more = (count: number, config: Record<string, unknown>) =>
    refused({ ranks: ranks.slice(0, count), config });
  t.equal(
    more(257, {}),
    "the job has 257 nodes, and a cluster holds at most 256 (podSubnet in the template's kubeadm-config.yaml)",
  );
  t.equal(more(256, {}), undefined);
  const write = (line: string) => {
    writeFileSync(join(template, "kubeadm-config.yaml"), `networking:\n  ${line}\n`);
  };
  write('podSubnet: "10.244.0.0/22"');
  t.match(more(5, { template }), /^the job has 5 nodes, and a cluster holds at most 4 /);
  t.equal(more(4, { template }), undefined);
  write("podSubnet: 10.0.0.0/8");
  t.equal(more(257, { template }), undefined);
  write("serviceSubnet: 10.96.0.0/16");
  t.match(more(257, { template }), /at most 256 /);
  t.end();
});

t.test("a job with more nodes than the pool has subnets is refused", (t) => {
  t.equal(
    refused({ config: { subnets: "10.100.0.0/23" } }),
    "the job has 3 nodes, and a cluster holds at most 2 (usernetes.subnets)",
  );
  t.end();
});

t.test("a claim avoids the resources of open clusters", (t) => {
  const open = [{ jobid: "1", claim: claimOf("1", ["node1"]) }];
  t.match(claim({ open }), { ports: { etcd: 20004 }, subnet: "10.100.1.0/24" });
  t.end();
});

t.test("ports beside the template's own four are chosen again with these", (t) => {
  const { cluster, world } = new Life();
  const ports = { etcd: 20000, kubelet: 20001, flannel: 20002, apiserver: 20003 };
  const before = { ...claimOf("0", ["node0"]), ports: { ...ports, PORT_CALICO: 20004 } };
  cluster.claim = before;
  const failed = { status: "failed" as const, fault: "port" as const };
  const at = { ...failed, attempt: 1, at: 0, note: "port 20004 is in use" };
  cluster.steps.set("up", new Map([[0, at]]));
  t.match(claimOthers(cluster, before, world, new Map()), {
    ports: { etcd: 20005, apiserver: 20008, PORT_CALICO: 20009 },
    avoid: [{ ports: before.ports }],
  });
  t.end();
});
