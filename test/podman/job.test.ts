/** A job whose cluster is real containers, on four nodes. */
import { podmanLife } from "./life.js";

await podmanLife(async (t, flux) => {
  await flux.startDaemon();

  await t.test("a job on four nodes has its cluster, and nothing is left of it", async (t) => {
    const seen = flux.script("test $FLUX_TASK_RANK != 0 || kubectl get nodes");
    const job = await flux.submit("-N4", "-n4", seen);
    await flux.waitFor(job, "start");
    const made = await flux.engines();
    for (const kind of ["container", "network", "volume", "image"])
      for (const rank of flux.ranks)
        t.ok(
          made.some((line) => line.startsWith(`node${rank} ${kind} `)),
          `node${rank}: ${kind}`,
        );
    await flux.waitForEnd(job);
    const { stdout, stderr } = await flux.flux("job", "attach", job);
    t.equal(stdout.match(/u7s-node[0-3] +Ready/g)?.length, 4, stdout + stderr);
    t.match((await flux.record(job)).at(-1), { name: "down", context: { left: [] } });
    t.same(await flux.leftovers(), []);
  });

  await flux.stopDaemon();
});
