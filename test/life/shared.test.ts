/** Clusters whose work directory is shared between the nodes. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { life } from "./life.js";

life(async (t, flux) => {
  const workdir = join(flux.place.common, "shared");
  mkdirSync(workdir);
  const script = flux.script(
    `kubectl get nodes | grep -c " Ready " | sed "s/^/$FLUX_TASK_RANK sees /"`,
  );
  const run = ["run", "-N2", "-n2", "--setattr=attributes.user.usernetes=yes", script];
  const last = async () =>
    (await flux.output("flux", "jobs", "-a", "-n", "-o", "{id.f58}")).split("\n")[0] ?? "";

  for (const [what, more] of [
    ["found out to be shared", ""],
    ["configured as shared", 'shared-filesystem = "yes"'],
  ] as const)
    await t.test(`a work directory that is ${what} serves all nodes`, async (t) => {
      await flux.startDaemon("--config", flux.table(more, { workdir }));
      const { stdout, exitCode, stderr } = await flux.flux(...run);
      t.equal(exitCode, 0, stderr);
      for (const rank of [0, 1]) t.match(stdout, `${rank} sees 2\n`, "by the kubeconfig");
      const job = await last();
      await flux.waitForEnd(job);
      t.same(await flux.leftovers(), []);
      const { stdout: left } = await flux.run(["ls", "-A", workdir]);
      t.equal(left, "", "the work directory is gone");
      const record = await flux.record(job);
      t.match(record.at(-1), { name: "down", context: { left: { length: 0 } } });
      t.equal(await flux.stopDaemon(), 0);
    });

  await t.test("a directory that must not be shared is reported", async (t) => {
    const table = flux.table('shared-filesystem = "no"', { workdir });
    await flux.startDaemon("--config", table);
    const { stderr, exitCode } = await flux.flux(...run);
    t.not(exitCode, 0);
    t.match(stderr, /stage failed on node[01].*is shared with node[01]: set usernetes/);
    await flux.waitForEnd(await last());
    t.same(await flux.leftovers(), []);
    t.equal((await flux.run(["ls", "-A", workdir])).stdout, "");
    await flux.stopDaemon();
  });

  await t.test("two jobs on the same nodes have their own work directories", async (t) => {
    await flux.startDaemon("--config", flux.table("", { workdir }));
    const jobs = await Promise.all([1, 2].map(() => flux.submit("-N2", "-n2", "-c1", "true")));
    for (const job of jobs) {
      await flux.waitForEnd(job);
      t.match((await flux.record(job)).at(-1), { name: "down", context: { left: { length: 0 } } });
    }
    t.same(await flux.leftovers(), []);
    t.equal((await flux.run(["ls", "-A", workdir])).stdout, "");
    await flux.stopDaemon();
  });
});
