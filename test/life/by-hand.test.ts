/** Clusters that are brought up by hand on several nodes, without the daemon. */
import { join } from "node:path";
import { TEMPLATE } from "../sandbox/paths.js";
import { life } from "./life.js";

/** The script in the documentation of the Python tool, unchanged. */
const SCRIPT = `
nodes=$(flux hostlist -x $(hostname) local)
counter=($\{nodes//","/ })
count=$\{#counter[@]}
usernetes start-control-plane --workdir $usernetes_root --worker-count $\{count} --serial
flux archive create --name join-command --directory $usernetes_root join-command
flux exec -x 0 flux archive extract --name join-command --directory $usernetes_root
flux exec -x 0 usernetes start-worker --workdir $usernetes_root
make -C $usernetes_root sync-external-ip
export KUBECONFIG=$usernetes_root/kubeconfig; kubectl get nodes`;

/** The Python tool's start-usernetes.sh. Each node runs it if all nodes share the directory. */
const EACH = `
lead_broker=$(flux hostlist -n 0 local)
worker_count=$(flux hostlist -x $(hostname) --count local)
if [ "$(hostname)" == "$\{lead_broker}" ]; then
    usernetes --develop start-control-plane --workdir $usernetes_root --worker-count $\{worker_count}
else
    usernetes --develop start-worker --workdir $usernetes_root
fi`;

life(async (t, flux) => {
  const onLead = (script: string, usernetes_root: string) =>
    flux.run(["flux", "exec", "-r", "0", "bash", flux.script(script)], { usernetes_root });

  await t.test(
    "the documentation's script makes a cluster if hosts have their own directories",
    async (t) => {
      const usernetes_root = join(flux.place.base, "usernetes");
      await flux.output("flux", "exec", "cp", "-R", TEMPLATE, usernetes_root);
      const { exitCode, stdout, stderr } = await onLead(SCRIPT, usernetes_root);
      t.equal(exitCode, 0, stderr);
      t.equal(stdout.match(/u7s-node[0-3] /g)?.length, 4, stdout);
      for (const rank of [1, 2, 3]) t.match(stderr, `kubeadm-join: node${rank}: ok in`);
      const waited = await onLead(
        `usernetes wait-workers --workdir $usernetes_root --worker-count 0
      KUBECONFIG=$usernetes_root/kubeconfig kubectl get nodes`,
        usernetes_root,
      );
      t.equal(waited.stdout.match(/ Ready/g)?.length, 4, waited.stderr);

      await flux.output("flux", "exec", "usernetes", "down", "--workdir", usernetes_root);
      const clone = (await flux.output("ls", "-A", TEMPLATE)).split("\n");
      const there = await flux.output("flux", "exec", "-r", "1", "ls", "-A", usernetes_root);
      t.same(there.split("\n"), clone, "the clone is as it was");
      await flux.output("flux", "archive", "remove", "--name", "join-command");

      const again = await onLead(SCRIPT, usernetes_root);
      t.equal(again.exitCode, 0, again.stderr);
      await flux.output("flux", "exec", "usernetes", "clean", "--all", "--workdir", usernetes_root);
      await flux.output("flux", "archive", "remove", "--name", "join-command");
      t.same(await flux.leftovers(), []);
    },
  );

  await t.test("a script on each node makes a cluster in a shared directory", async (t) => {
    const usernetes_root = join(flux.place.common, "shared");
    await flux.output("cp", "-R", TEMPLATE, usernetes_root);
    const file = flux.script(EACH);
    const started = await flux.run(["flux", "exec", "bash", file], { usernetes_root });
    t.equal(started.exitCode, 0, started.stderr);
    t.notMatch(started.stderr, /[a-z0-9]{6}\.[a-z0-9]{16}/, "and no token");
    const nodes = ["env", `KUBECONFIG=${usernetes_root}/kubeconfig`, "kubectl", "get", "nodes"];
    t.equal((await flux.output(...nodes)).match(/ Ready/g)?.length, 4, "Ready when it ends");
    const { exitCode, stderr } = await flux.flux(
      "exec",
      "usernetes",
      "down",
      "--workdir",
      usernetes_root,
    );
    t.equal(exitCode, 0, stderr);
    t.same(await flux.leftovers(), []);
  });

  await t.test(
    "a batch job without a cluster has its work directory by the job's name",
    async (t) => {
      const script = flux.script(`
TMPDIR=${flux.place.base}; export TMPDIR
usernetes start-control-plane --worker-count 0 && ls "$(usernetes attr kubeconfig)"
usernetes down`);
      const out = join(flux.place.common, "by-name.out");
      const job = await flux.output("flux", "batch", "-N1", "-n1", `--output=${out}`, script);
      await flux.waitForEnd(job);
      t.match(await flux.output("cat", out), `usernetes-${job.toLowerCase()}/kubeconfig`);
      t.same(await flux.leftovers(), []);
    },
  );
});
