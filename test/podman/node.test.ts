/** The node's container: the kubectl that the daemon takes from it, and a container that dies. */
import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { podmanLife } from "./life.js";

await podmanLife({ size: 2 }, async (t, flux) => {
  // Links all programs of the machine except kubectl, as on a node that has no kubectl.
  const programs = `${flux.place.common}/programs`;
  execFileSync("cp", ["-rs", "/usr/bin", programs]);
  rmSync(`${programs}/kubectl`, { force: true });
  const path = (flux.place.env["PATH"] ?? "")
    .replaceAll(/(^|:)(\/usr\/bin|\/bin|\/usr\/local\/bin)(?=:|$)/g, "")
    .replaceAll(/(^|:)[^:]*test\/podman\/bin(?=:|$)/g, "");
  flux.daemonEnv = { PATH: `${path}:${programs}` };
  await flux.startDaemon();

  await t.test("a lead without kubectl gets it from the node's container", async (t) => {
    const script = flux.script('cd / && exec "$USERNETES_WORKDIR/bin/kubectl" get nodes');
    const job = await flux.submit("-N1", script);
    await flux.ended(job);
    const { stdout, stderr } = await flux.flux("job", "attach", job);
    t.match(stdout, /u7s-node[01] +Ready/, stderr);
    t.same(await flux.leftovers(), []);
  });

  await t.test("a join in a container that has died is not tried again", async (t) => {
    const stop = "podman stop -t 0 $(USERNETES_PROJECT)_node_1";
    flux.instead({ "kubeadm-join": `${stop}; $(IN_NODE) sh /usernetes/join-command` });
    const job = await flux.submit("-N2", "true");
    await flux.ended(job);
    flux.instead({});
    t.match(await flux.settled(job), {
      outcome: "failed",
      note: /^kubeadm-join failed on node1 \(rank 1\): .*the node's container has died: usernetes-\w+_node_1: Exited/,
    });
    const record = await flux.record(job);
    const tries = record.filter(
      ({ name, context }) => name === "step-finish" && context?.["step"] === "kubeadm-join",
    );
    t.equal(tries.length, 1);
    t.match(record.at(-1), { name: "down", context: { left: { length: 0 } } });
    t.same(await flux.leftovers(), []);
  });

  await flux.stopDaemon();
});
