/** The networks of the nodes, which a cluster's subnets must avoid. */
import t from "tap";
import type { Command, Outcome } from "../../lib/host/command.js";
import { Membership } from "../../plugin/membership.js";
import { NodeNetworks } from "../../plugin/networks.js";
import { OpenClusters } from "../../plugin/open-clusters.js";
import { claimOf } from "../fakes/clusters.js";
import { FakeClock } from "../fakes/fake-clock.js";

const PRINTED = [
  "0: 1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever",
  "0: 4: eth0    inet 10.100.4.2/16 brd 10.100.255.255 scope global eth0\\   valid_lft forever",
  "0: default via 10.100.0.1 dev eth0 ",
  "0: 10.100.0.0/16 dev eth0 proto kernel scope link src 10.100.4.2 ",
  "0: 172.16.9.1 via 10.100.0.1 dev eth0 ",
  "0: blackhole 10.9.0.0/16 ",
  "1: 9: podman1    inet 10.100.1.1/24 brd 10.100.1.255 scope global podman1\\ ",
  "1: 10.100.1.0/24 dev podman1 proto kernel ",
  "1: 10.100.2.0/24 dev podman2 proto kernel ",
  "rubbish",
];

function setUp(stdout = PRINTED.join("\n")) {
  const commands: Command[] = [];
  const clock = new FakeClock();
  const nodes = new Membership();
  const open = new OpenClusters();
  const run = (command: Command): Promise<Outcome> => {
    commands.push(command);
    return Promise.resolve({ exitCode: 0, stdout, stderr: "", timedOut: false, reason: "" });
  };
  const world = { run, clock, nodes, env: { PATH: "/usr/bin" }, say: () => undefined };
  return { commands, clock, nodes, open, networks: new NodeNetworks(() => world, open) };
}

t.test("a node's networks are its addresses and routes, except the default route", async (t) => {
  const { networks } = setUp();
  t.strictSame((await networks.networksOf([0])).get(0), [
    "127.0.0.1/8",
    "10.100.4.2/16",
    "10.100.0.0/16",
    "172.16.9.1",
    "10.9.0.0/16",
  ]);
});

t.test("the network of an existing cluster belongs only to it", async (t) => {
  const { networks, open } = setUp();
  open.add({ jobid: "1", claim: { ...claimOf("0-1", ["a", "b"]), subnet: "10.100.0.0/24" } });
  t.strictSame((await networks.networksOf([1])).get(1), ["10.100.2.0/24"]);
});

t.test("a node is asked once, and again when it was away or the answer is old", async (t) => {
  const { networks, commands, nodes, clock } = setUp();
  await networks.networksOf([0, 1]);
  await networks.networksOf([1]);
  t.equal(commands.length, 1);
  nodes.set([0]);
  t.strictSame([...(await networks.networksOf([0, 1])).keys()], [0]);
  nodes.set([0, 1]);
  await networks.networksOf([0, 1]);
  t.equal(commands.length, 2);
  t.ok(commands[1]?.argv.includes("1"), "only the one that was away");
  clock.advance(3_600_000);
  await networks.networksOf([0, 1]);
  t.equal(commands.length, 3);
});

t.test("a node that prints no networks has none", async (t) => {
  const { networks } = setUp("");
  t.strictSame([...(await networks.networksOf([0, 1]))], []);
});
