/** The teardown of clusters with a real engine, and the messages when it fails. */
import { podmanLife } from "./life.js";

const TABLE = 'teardown-timeout = "20s"\n';
const IMAGE = "localhost/usernetes-test-node";

await podmanLife({ table: TABLE, size: 2 }, async (t, flux) => {
  await flux.startDaemon();
  const drained = async (rank: number) => {
    const log = await flux.output("flux", "dmesg");
    return log.split("\n").findLast((line) => line.includes(`drain idset=${rank} `)) ?? "";
  };

  await t.test("a node that its policy restarts during the teardown is removed", async (t) => {
    // podman does not restart a container that its user ends with `podman kill`.
    flux.instead({ "down-v": "podman exec $(USERNETES_PROJECT)_node_1 kill 1" });
    const job = await flux.submit("-N1", "true");
    await flux.ended(job);
    flux.instead({});
    t.match((await flux.record(job)).at(-1), { name: "down", context: { left: { length: 0 } } });
    await new Promise((resolve) => setTimeout(resolve, 1500));
    t.same(await flux.leftovers(), []);
  });

  await t.test("the teardown does not wait for a node whose init ignores TERM", async (t) => {
    // By default, the engine gives the container ten seconds to stop.
    flux.instead({ up: "touch ignores-term; $(COMPOSE) up --build -d" });
    const seconds: number[] = [];
    for (let round = 0; round < 3; round++) {
      const job = await flux.submit("-N2", "true");
      await flux.ended(job);
      const record = await flux.record(job);
      t.match(record.at(-1), { name: "down", context: { left: { length: 0 } } });
      const at = (name: string) => record.find((entry) => entry.name === name)?.timestamp ?? NaN;
      seconds.push(at("down") - at("teardown-start"));
    }
    flux.instead({});
    t.comment(`teardown: ${seconds.map((each) => each.toFixed(1)).join(", ")} s`);
    t.ok(Math.max(...seconds) < 10);
    t.same(await flux.leftovers(), []);
  });

  await t.test("a network with a user's own container is reported", async (t) => {
    const job = await flux.submit("-N1", "sleep", "300");
    await flux.started(job);
    const network = `usernetes-${job.slice(1).toLowerCase()}_default`;
    const mine = ["run", "-d", "--name", "mine", "--network", network, IMAGE];
    t.match(await flux.podman(0, ...mine), { exitCode: 0 });
    await flux.flux("cancel", job);
    await flux.ended(job);
    t.match((await flux.record(job)).at(-1), { name: "down", context: { left: [0] } });
    t.match(await drained(0), /left behind: network usernetes-\w+_default: .*is being used/);
    await flux.podman(0, "rm", "-f", "-t", "0", "mine");
    t.match(await flux.run(["flux-usernetes", "clean", job]), { exitCode: 0 });
    await flux.flux("resource", "undrain", "0");
    t.same(await flux.leftovers(), []);
  });

  await t.test("an engine that never answers drains no node", async (t) => {
    await flux.stopDaemon();
    const limits =
      'bring-up-timeout = "5s"\nteardown-timeout = "4s"\ncontainer-engine = "podman"\n';
    await flux.startDaemon("--config", flux.table(limits, { template: flux.templatePath }));
    flux.hangs(0, "");
    const job = await flux.submit("-N1", "true");
    await flux.ended(job);
    t.match(await flux.settled(job), {
      outcome: "failed",
      note: "timed out after 5s, waiting for up on node0 (rank 0)",
    });
    t.match((await flux.record(job)).at(-1), { name: "down", context: { left: { length: 0 } } });
    flux.hangs(0, undefined);
    t.same(await flux.leftovers(), []);
  });

  await t.test("one that stops answering drains the node at the deadline", async (t) => {
    flux.hangs(0, "network");
    const job = await flux.submit("-N1", "true");
    await flux.ended(job);
    t.match(await flux.settled(job), {
      outcome: "failed",
      note: "timed out after 5s, waiting for up on node0 (rank 0)",
    });
    t.match((await flux.record(job)).at(-1), { name: "down", context: { left: [0] } });
    // The daemon ends podman first, so the step may still report that podman does not answer.
    t.match(
      await drained(0),
      /timed out after 4 s: (checking podman for leftovers|podman does not answer)/,
    );
    flux.hangs(0, undefined);
    t.match(await flux.run(["flux-usernetes", "clean", job]), { exitCode: 0 });
    await flux.flux("resource", "undrain", "0");
    t.same(await flux.leftovers(), []);
  });

  await flux.stopDaemon();
});
