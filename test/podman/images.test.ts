/**
 * The daemon loads a site's image archives into the containerd of the nodes, which are real
 * containers. image/bin/ctr is a stand-in for containerd.
 */
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

  await t.test("the node's containerd has the images when the job starts", async (t) => {
    const job = await flux.submit("-N1", "sleep", "300");
    await flux.started(job);
    const [name = ""] = await flux.lists(0, "ps", "--format", "{{.Names}}");
    const { stdout } = await flux.podman(0, "exec", name, "cat", "/var/lib/images");
    t.equal(stdout.split("\n").filter((line) => line === "manifest.json").length, 2);
    await flux.output("flux", "cancel", job);
    await flux.ended(job);
    t.same(await flux.leftovers(), []);
  });

  await t.test("an archive that containerd refuses fails the job with its name", async (t) => {
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

  await t.test("a node without any route comes up with the images", async (t) => {
    const route = ["via", "192.168.77.1"];
    const cut = await flux.place.hosts.run(0, ["ip", "route", "del", "default", ...route]);
    t.equal(cut.exitCode, 0, cut.stderr);
    const pull = await flux.podman(0, "pull", "-q", "registry.k8s.io/pause:3.10");
    t.not(pull.exitCode, 0, "no registry is reached");
    // Fails as kubeadm does if an image is neither in containerd nor in a registry.
    const count = "grep -c manifest.json /var/lib/images 2>/dev/null";
    const pulls = `test "$$(${count})" = 1 || { echo failed to pull image pause >&2; exit 1; }`;
    flux.instead({ "kubeadm-init": `$(IN_NODE) sh -c '${pulls}' && $(IN_NODE) kubeadm init` });
    const table = (more: string) =>
      flux.table(`container-engine = "podman"\ninterface = "eth0"\n${more}`, {
        template: flux.templatePath,
      });
    const settled = async (more: string) => {
      await flux.stopDaemon();
      await flux.startDaemon("--config", table(more));
      const job = await flux.submit("-N1", "true");
      await flux.ended(job);
      return flux.settled(job);
    };
    t.match(await settled(`images = "${images}"\n`), { outcome: "ready" });
    t.match(await settled("attempts.kubeadm-init = 1\n"), {
      outcome: "failed",
      note: /^kubeadm-init failed on node0 \(rank 0\): exit 2: failed to pull image pause/,
    });
    flux.instead({});
    await flux.place.hosts.run(0, ["ip", "route", "add", "default", ...route]);
    t.same(await flux.leftovers(), []);
  });
});
