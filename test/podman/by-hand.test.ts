/** The `usernetes` command brings up a cluster of real containers by hand, without the daemon. */
import { join } from "node:path";
import { podmanLife } from "./life.js";

await podmanLife({ size: 2 }, async (t, flux) => {
  const directory = join(flux.place.base, "by-hand");
  const usernetes = (ranks: string, ...args: string[]) => {
    const env = { CONTAINER_ENGINE: "podman" };
    const command = ["usernetes", ...args, "--workdir", directory];
    return flux.run(["flux", "exec", "-r", ranks, ...command], env);
  };

  await t.test("start-control-plane, start-worker, down and clean work with podman", async (t) => {
    await flux.output("flux", "exec", "-r", "0-1", "cp", "-R", flux.templatePath, directory);
    const control = await usernetes("0", "start-control-plane", "--worker-count=1", "--serial");
    t.match(control, { exitCode: 0 }, control.stderr);
    const share = ["archive", "create", "--name=by-hand", `--directory=${directory}`];
    const onLead = ["exec", "-r", "0", "flux"];
    await flux.output("flux", ...onLead, ...share, "join-command");
    const extract = ["flux", "archive", "extract", "--name=by-hand", "-C", directory];
    await flux.output("flux", "exec", "-r", "1", ...extract);
    const worker = await usernetes("1", "start-worker");
    t.match(worker, { exitCode: 0 }, worker.stderr);
    t.match(await usernetes("0", "wait-workers", "--worker-count=0"), { exitCode: 0 });
    const nodes = `KUBECONFIG=${directory}/kubeconfig kubectl get nodes`;
    const { stdout } = await flux.flux("exec", "-r", "0", "sh", "-c", nodes);
    t.equal(stdout.match(/u7s-node[01] +Ready/g)?.length, 2, stdout);

    const cleaned = await usernetes("0-1", "clean", "--all");
    t.match(cleaned, { exitCode: 0 }, cleaned.stderr);
    await flux.output("flux", "archive", "remove", "--name=by-hand");
    t.same(await flux.leftovers(), []);
  });
});
