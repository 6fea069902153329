/** A site's image archives in the containerd of real containers (a stand-in: image/bin/ctr). */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { imageArchive } from "../fakes/archives.js";
import { podmanLife } from "./life.js";

await podmanLife({ size: 1 }, async (t, flux) => {
  const images = join(flux.place.common, "images");
  mkdirSync(images);
  writeFileSync(join(images, "a.tar"), imageArchive("ghcr.io/site/app:1"));
  writeFileSync(join(images, "b.tgz"), gzipSync(imageArchive("registry.k8s.io/pause:3.10")));
  const file = flux.table(`container-engine = "podman"\nimages = "${images}"\n`, {
    template: flux.templatePath,
  });
  await flux.startDaemon("--config", file);

  await t.test("the node's containerd has them when the job starts", async (t) => {
    const job = await flux.submit("-N1", "sleep", "300");
    await flux.started(job);
    const [name = ""] = await flux.lists(0, "ps", "--format", "{{.Names}}");
    const { stdout } = await flux.podman(0, "exec", name, "cat", "/var/lib/images");
    t.equal(stdout.split("\n").filter((line) => line === "manifest.json").length, 2);
    await flux.output("flux", "cancel", job);
    await flux.ended(job);
    t.same(await flux.leftovers(), []);
  });

  await t.test("what containerd refuses fails the job with the archive's name", async (t) => {
    const strange = join(images, "c.tar.zst");
    writeFileSync(strange, Buffer.from("28b52ffd00000000", "hex"));
    const job = await flux.submit("-N1", "true");
    await flux.ended(job);
    t.match(await flux.settled(job), {
      outcome: "failed",
      note: /^load-images failed on node0 \(rank 0\) \(2 tries\): exit 1: containerd does not import the image archive \S+\/c\.tar\.zst: ctr: unexpected EOF$/,
    });
    rmSync(strange);
    t.same(await flux.leftovers(), []);
  });
});
