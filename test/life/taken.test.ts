/** Faults on live nodes: ports and subnets in use, and a worker that fails permanently. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { life } from "./life.js";

life(async (t, flux) => {
  await flux.startDaemon();
  /** Makes a container that belongs to no cluster. Returns a function that removes it. */
  const occupy = (host: string, { ports = "1", subnet = "10.9.9.0/24" }) => {
    const theirs = join(flux.place.testbed, "engine", host, "another");
    mkdirSync(theirs, { recursive: true });
    writeFileSync(join(theirs, "container"), "another\n");
    writeFileSync(join(theirs, "ports"), `${ports}\n`);
    writeFileSync(join(theirs, "network"), `${subnet}\n`);
    return () => {
      rmSync(theirs, { recursive: true });
    };
  };
  const claims = async (job: string) =>
    (await flux.record(job)).filter(({ name }) => name === "claim").map(({ context }) => context);
  const settle = async (job: string) =>
    (await flux.record(job)).find(({ name }) => name === "settle")?.context;

  await t.test("a port in use on one node is replaced on all", async (t) => {
    const leave = occupy("node1", { ports: "20001 20006" });
    const job = await flux.submit("-N2", "kubectl", "get", "nodes");
    await flux.waitForEnd(job);
    leave();
    t.match(await claims(job), [
      { ports: { etcd: 20000 } },
      { ports: { etcd: 20004 }, avoid: [{ ports: { etcd: 20000 } }] },
      { ports: { etcd: 20008 }, avoid: [{ ports: { etcd: 20000 } }, { ports: { etcd: 20004 } }] },
    ]);
    t.match(await settle(job), { outcome: "ready" });
    t.same(await flux.leftovers(), []);
  });

  await t.test("a subnet in use on one node is replaced on all", async (t) => {
    const leave = occupy("node2", { subnet: "10.100.2.0/24" });
    const job = await flux.submit("-N3", "true");
    await flux.waitForEnd(job);
    leave();
    t.match(await claims(job), [
      { subnet: "10.100.0.0/24" },
      { subnet: "10.100.3.0/24", avoid: [{ subnets: ["10.100.2.0/24"] }] },
    ]);
    t.match(await settle(job), { outcome: "ready" });
    t.same(await flux.leftovers(), []);
  });

  await t.test(
    "a cluster continues without a worker that fails permanently, if the job allows it",
    async (t) => {
      const tolerant = "--setattr=attributes.user.usernetes_tolerate=1";
      flux.fault("node2.kubeadm-join", "exit 4");
      const nodes = flux.script(
        'test "$(flux getattr rank)" != 0 || kubectl get nodes --no-headers',
      );
      const job = await flux.submit("-N3", tolerant, nodes);
      await flux.waitForEnd(job);
      t.match(await settle(job), { outcome: "ready", without: "2" });
      const { stdout } = await flux.flux("job", "attach", job);
      t.strictSame(
        stdout.match(/u7s-node\d +Ready/g)?.map((line) => line.slice(0, 9)),
        ["u7s-node0", "u7s-node1"],
      );
      t.same(await flux.leftovers(), [], "it is torn down all the same");

      flux.fault("node1.kubeadm-join", "exit 4");
      const other = await flux.submit("-N3", tolerant, "true");
      await flux.waitForEnd(other);
      t.match(await settle(other), {
        outcome: "failed",
        note: /^kubeadm-join failed on node[12] \(rank [12]\) \(3 tries\): /,
      });
      for (const host of ["node1", "node2"]) flux.fault(`${host}.kubeadm-join`, undefined);
      t.same(await flux.leftovers(), []);
    },
  );
});
