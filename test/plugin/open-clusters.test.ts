/** Free ports and subnets beside the open clusters. */
import t from "tap";
import { decodeIdset } from "../../lib/flux/idset.js";
import type { Avoid } from "../../lib/record/events.js";
import type { OpenCluster } from "../../lib/record/writer.js";
import { OpenClusters } from "../../plugin/open-clusters.js";
import { claimOf } from "../fakes/clusters.js";

const hosts = (ranks: number[]) => ranks.map((rank) => `node${rank}`);

const FROM = {
  ports: { first: 20000, last: 20011 },
  subnets: { address: 0x0a640000, size: 8 },
};

/** An open cluster on those ranks, with the n-th ports and the given subnet. */
function entry(jobid: bigint, ranks: string, [n, subnet]: [number, string]): OpenCluster {
  const first = 20000 + 4 * n;
  const ports = { etcd: first, kubelet: first + 1, flannel: first + 2, apiserver: first + 3 };
  return {
    jobid: String(jobid),
    claim: { ...claimOf(ranks, hosts(decodeIdset(ranks))), ports, subnet },
  };
}

function openWith(...entries: OpenCluster[]): OpenClusters {
  const open = new OpenClusters();
  for (const one of entries) open.add(one);
  return open;
}

const chosen = (open: OpenClusters, ranks: number[]) => {
  const found = open.choose({ jobid: 99n, hosts: hosts(ranks) }, FROM);
  return "exhausted" in found ? found.exhausted : `${found.ports.etcd} ${found.subnet}`;
};

t.test("the first cluster gets the first ports and subnet", (t) => {
  t.equal(chosen(openWith(), [0, 1]), "20000 10.100.0.0/24");
  t.end();
});

t.test("clusters on the same rank share neither ports nor subnets", (t) => {
  const open = openWith(entry(1n, "0-1", [0, "10.100.0.0/24"]));
  t.equal(chosen(open, [1, 2]), "20004 10.100.2.0/24");
  t.end();
});

t.test("clusters on other ranks may have the same ports", (t) => {
  const open = openWith(entry(1n, "0-1", [0, "10.100.0.0/24"]));
  t.equal(chosen(open, [2, 3]), "20000 10.100.0.0/24");
  t.end();
});

t.test("a cluster has ports for further variables, which do not overlap another's", (t) => {
  const open = openWith();
  const choose = (jobid: bigint, avoid: Avoid[] = []) => {
    const portVariables = ["PORT_CALICO"];
    const found = open.choose({ jobid, hosts: ["node0"], portVariables, avoid }, FROM);
    if ("exhausted" in found) return found.exhausted;
    open.add({ jobid: String(jobid), claim: { ...claimOf("0", ["node0"]), ...found } });
    return `${found.ports.etcd} ${String(found.ports["PORT_CALICO"])}`;
  };
  t.equal(choose(1n), "20000 20004");
  t.equal(choose(2n), "20005 20009");
  t.match(choose(3n), /^no ports are free on its nodes/);
  open.remove(1n);
  t.equal(choose(3n), "20000 20004", "what was given back");
  const ports = open.get(2n)?.claim.ports ?? claimOf("0", ["node0"]).ports;
  open.remove(3n);
  t.equal(choose(2n, [{ ports }]), "20000 20004", "others in place of those that were taken");
  t.end();
});

t.test("the ports and subnets of a closed cluster are free", (t) => {
  const open = openWith(entry(1n, "0-1", [0, "10.100.0.0/24"]));
  open.remove(1n);
  t.equal(chosen(open, [0]), "20000 10.100.0.0/24");
  t.equal(open.get(1n), undefined);
  t.end();
});

t.test("the error names the resource that ran out", (t) => {
  const three = [0, 1, 2].map((n) => entry(BigInt(n), "0", [n, `10.100.${n}.0/24`]));
  t.equal(
    chosen(openWith(...three), [0]),
    "no ports are free on its nodes (usernetes.ports): instance, ƒ2, ƒ3 have them",
  );
  const one = openWith(entry(1n, "0", [0, "10.100.4.0/24"]));
  t.equal(
    chosen(one, [0, 1, 2, 3, 4]),
    "no node subnets are free on its nodes (usernetes.subnets): ƒ2 has them",
  );
  t.end();
});

t.test("an entry of a job ID replaces the one before", (t) => {
  const open = openWith(entry(1n, "0", [0, "10.100.0.0/24"]), entry(1n, "0", [1, "10.100.1.0/24"]));
  t.equal(open.all().length, 1);
  t.equal(open.get(1n)?.claim.subnet, "10.100.1.0/24");
  t.equal(chosen(open, [0]), "20000 10.100.0.0/24");
  t.end();
});

t.test("clusters on two ranks of one host share neither ports nor subnets", (t) => {
  const open = openWith(entry(1n, "0", [0, "10.100.0.0/24"]));
  const found = open.choose({ jobid: 99n, hosts: ["node0"] }, FROM);
  t.match(found, { ports: { etcd: 20004 }, subnet: "10.100.1.0/24" }, "whatever its rank");
  t.end();
});

t.test("ports that were in use on a node are not chosen again", (t) => {
  const open = openWith(entry(1n, "0", [0, "10.100.0.0/24"]));
  const mine = { etcd: 20000, kubelet: 20001, flannel: 20002, apiserver: 20003 };
  const choose = (avoid: Avoid[]) => {
    const found = open.choose({ jobid: 1n, hosts: hosts([0, 1]), avoid }, FROM);
    return "exhausted" in found ? found.exhausted : `${found.ports.etcd} ${found.subnet}`;
  };
  t.equal(choose([]), "20000 10.100.0.0/24", "its own entry takes nothing from it");
  t.equal(choose([{ ports: mine }]), "20004 10.100.0.0/24");
  t.equal(choose([{ subnets: ["10.100.1.0/24"] }]), "20000 10.100.2.0/24");
  t.equal(choose([{ ports: mine }, { subnets: ["10.100.2.0/24"] }]), "20004 10.100.0.0/24");
  t.end();
});

t.test("a cluster of an inactive job is being torn down until its teardown has ended", (t) => {
  const open = openWith(
    entry(1n, "0-1", [0, "10.100.0.0/24"]),
    entry(2n, "1-2", [1, "10.100.2.0/24"]),
    entry(3n, "0-2", [2, "10.100.4.0/24"]),
  );
  t.same(open.tornDownOn(hosts([0, 1])), [], "their jobs are active");
  for (const jobid of [1n, 2n, 9n]) open.setReleased(jobid);
  t.same(open.tornDownOn(hosts([0])), [1n]);
  t.same(open.tornDownOn(hosts([1])), [1n, 2n]);
  t.same(open.tornDownOn(hosts([3])), []);
  open.remove(1n);
  t.same(open.tornDownOn(hosts([1])), [2n]);
  open.add({ ...entry(2n, "1-2", [1, "10.100.2.0/24"]), left: [2] });
  t.same(open.tornDownOn(hosts([1])), [], "leftovers do not count");
  t.end();
});
