/** Faults of a real engine during the bring-up, and the message that each job gets. */
import { podmanLife } from "./life.js";

const TABLE = "attempts = { up = 2, kubeadm-join = 1 }\n";
const IMAGE = "localhost/usernetes-test-node";

await podmanLife({ table: TABLE, size: 2 }, async (t, flux) => {
  await flux.startDaemon();
  /** Runs a job on one node with these recipes, which make its bring-up fail. */
  const fails = async (recipes: Record<string, string>) => {
    flux.instead(recipes);
    const job = await flux.submit("-N1", "true");
    await flux.ended(job);
    flux.instead({});
    const record = await flux.record(job);
    const tries = record.filter(
      ({ name, context }) => name === "step-finish" && context?.["step"] === "up",
    );
    return { ...(await flux.settled(job)), tries: tries.length, end: record.at(-1) };
  };
  const GONE = { outcome: "failed", end: { name: "down", context: { left: { length: 0 } } } };
  const UP = "$(COMPOSE) up --build -d";

  await t.test("ports and subnets in use are replaced", async (t) => {
    const publish = ["run", "-d", "--name", "theirs", "-p", "20001:1", IMAGE];
    t.match(await flux.podman(1, ...publish), { exitCode: 0 });
    await flux.podman(0, "network", "create", "--subnet", "10.100.0.0/24", "theirs");
    const seen = flux.script("test $FLUX_TASK_RANK != 0 || kubectl get nodes");
    const job = await flux.submit("-N2", "-n2", seen);
    await flux.ended(job);
    await flux.podman(1, "rm", "-f", "-t", "0", "theirs");
    await flux.podman(0, "network", "rm", "theirs");
    const claims = (await flux.record(job)).filter(({ name }) => name === "claim");
    t.match(claims.at(-1)?.context, { ports: { etcd: 20004 } });
    t.not(claims.at(-1)?.context?.["subnet"], "10.100.0.0/24");
    const { stdout, stderr } = await flux.flux("job", "attach", job);
    t.equal(stdout.match(/u7s-node[01] +Ready/g)?.length, 2, stdout + stderr);
    t.same(await flux.leftovers(), []);
  });

  await t.test("a foreign container with the cluster's name is reported", async (t) => {
    const taken = `podman run -d --name $(USERNETES_PROJECT)_node_1 ${IMAGE}; ${UP}`;
    const seen = await fails({ up: taken });
    t.match(seen, GONE);
    t.match(seen, { note: /the container name "usernetes-\w+_node_1" is already in use/ });
    t.same(await flux.leftovers(), []);
  });

  await t.test("an image that does not exist is requested only once", async (t) => {
    const seen = await fails({ up: `echo FROM no-such-image >Dockerfile; ${UP}` });
    t.match(seen, { ...GONE, tries: 1, note: /short-name "no-such-image" did not resolve/ });
    t.same(await flux.leftovers(), []);
  });

  await t.test("a compose that warns and exits with 0 has brought up nothing", async (t) => {
    const seen = await fails({ up: "@echo WARN: nothing to do" });
    const note = /the node's container does not run: podman has none of usernetes-/;
    t.match(seen, { ...GONE, tries: 2, note });
    t.same(await flux.leftovers(), []);
  });

  await t.test("a container that dies is detected and stays removed", async (t) => {
    const dies = `echo 'CMD ["sh", "-c", "exit 3"]' >>Dockerfile; ${UP}`;
    const seen = await fails({ up: dies, "down-v": "@true" });
    t.match(seen, GONE);
    t.match(seen, {
      note: /container does not run: \S+: |container state improper|stopped container/,
    });
    t.same(await flux.leftovers(), []);
  });

  await flux.stopDaemon();
});
