/** Jobs with clusters of real containers. The tests check what each host's engine lists. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { imageArchive } from "../fakes/archives.js";
import { podmanLife } from "./life.js";

const KINDS = ["container", "network", "volume", "image"];

await podmanLife({ size: 2 }, async (t, flux) => {
  await flux.startDaemon();

  await t.test("two jobs on the same two nodes have a cluster each", async (t) => {
    const both = `${flux.place.common}/both`;
    const script = (status: number) =>
      flux.script(`echo $$ >>${both}.$FLUX_TASK_RANK
until [ "$(wc -l <${both}.$FLUX_TASK_RANK)" -eq 2 ] && [ -e ${both}.looked ]; do sleep 0.1; done
test $FLUX_TASK_RANK != 0 || kubectl get nodes; exit ${status}`);
    const good = await flux.submit("-N2", "-n2", script(0));
    const bad = await flux.submit("-N2", "-n2", script(3));
    for (const job of [good, bad]) await flux.started(job);
    const made = await flux.engines();
    writeFileSync(`${both}.looked`, "");
    for (const job of [good, bad]) {
      const project = `usernetes-${job.slice(1).toLowerCase()}`;
      for (const rank of flux.ranks)
        for (const kind of KINDS) {
          const start = new RegExp(`^node${rank} ${kind} (localhost/)?${project}_`);
          t.ok(
            made.some((line) => start.test(line)),
            `${job} has its own ${kind} on node${rank}`,
          );
        }
    }
    for (const job of [good, bad]) {
      await flux.ended(job);
      const { stdout, stderr } = await flux.flux("job", "attach", job);
      t.equal(stdout.match(/u7s-node[01] +Ready/g)?.length, 2, stdout + stderr);
      t.match((await flux.record(job)).at(-1), { name: "down", context: { left: { length: 0 } } });
    }
    t.same(await flux.leftovers(), [], "of the job that failed, too");
  });

  await t.test("a job that is canceled while its containers start leaves none", async (t) => {
    const job = await flux.submit("-N2", "true");
    await flux.starting(1);
    await flux.flux("cancel", job);
    await flux.ended(job);
    t.match(await flux.settled(job), { outcome: "canceled" });
    t.same(await flux.leftovers(), []);
  });

  await t.test(
    "the next daemon resumes clusters after a kill while their containers start",
    async (t) => {
      const seen = flux.script("test $FLUX_TASK_RANK != 0 || kubectl get nodes");
      const job = await flux.submit("-N2", "-n2", seen);
      await flux.starting(1);
      await flux.stopDaemon("SIGKILL");
      await flux.startDaemon();
      await flux.ended(job);
      t.match(await flux.settled(job), { outcome: "ready" });
      const { stdout } = await flux.flux("job", "attach", job);
      t.equal(stdout.match(/u7s-node[0-3] +Ready/g)?.length, 2, stdout);
      t.same(await flux.leftovers(), []);
    },
  );

  await t.test("a cluster that is kept for debugging exists until it is cleaned", async (t) => {
    const images = join(flux.place.common, "images");
    mkdirSync(images);
    writeFileSync(join(images, "a.tar"), imageArchive("ghcr.io/site/app:1"));
    writeFileSync(join(images, "b.tgz"), gzipSync(imageArchive("registry.k8s.io/pause:3.10")));
    await flux.stopDaemon();
    const table = `container-engine = "podman"\nimages = "${images}"\n`;
    await flux.startDaemon("--config", flux.table(table, { template: flux.templatePath }));
    const debug = "--setattr=attributes.user.usernetes_debug=yes";
    // The template's down-v removes nothing, so `clean` has to remove the resources itself.
    flux.instead({ "down-v": "@true" });
    const job = await flux.submit("-N1", debug, "true");
    await flux.output("flux-usernetes", "wait", job);
    await flux.output("flux-usernetes", "release", job);
    await flux.waitFor(job, "clean");
    const [name = ""] = await flux.lists(0, "ps", "--format", "{{.Names}}");
    const { stdout } = await flux.podman(0, "exec", name, "cat", "/var/lib/images");
    const imported = stdout.split("\n").filter((line) => line === "manifest.json");
    t.equal(imported.length, 2, "the node's containerd has the site's images");
    const kept = await flux.engines();
    for (const kind of KINDS) t.match(kept.join("\n"), `node0 ${kind} `);
    t.match(await flux.run(["flux-usernetes", "clean", job]), { exitCode: 0 });
    flux.instead({});
    t.same(await flux.leftovers(), []);
  });

  await flux.stopDaemon();
});
