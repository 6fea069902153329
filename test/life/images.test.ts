/** A site's image archives are loaded before kubeadm would pull images, and `warm` lists them. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { imageArchive } from "../fakes/archives.js";
import { PACKAGE } from "../sandbox/paths.js";
import { life } from "./life.js";

const WARM = [join(PACKAGE, "bin/flux-usernetes"), "warm", "--pass-env", "TESTBED"];
const PAUSE = imageArchive("registry.k8s.io/pause:3.10");
const FLANNEL = imageArchive("ghcr.io/flannel-io/flannel:v0.26");

life(async (t, flux) => {
  const images = join(flux.place.common, "images");
  mkdirSync(images);
  writeFileSync(join(images, "flannel.tar"), FLANNEL);
  writeFileSync(join(images, "pause.tar.gz"), gzipSync(PAUSE));
  const file = flux.table(`images = "${images}"\n`);
  await flux.startDaemon("--config", file);

  await t.test(
    "each node has all images when the job starts, the lead kubeadm's first",
    async (t) => {
      const job = await flux.submit("-N2", "sleep", "100");
      await flux.waitFor(job, "start");
      const imported = readFileSync(join(flux.place.testbed, "imported"), "utf8")
        .trimEnd()
        .split("\n");
      const count = (host: string) => imported.filter((line) => line.startsWith(`${host} `)).length;
      t.strictSame([count("node0"), count("node1")], [2, 2]);
      const record = await flux.record(job);
      const places = ["load-images", "kubeadm-init", "load-pod-images", "install-flannel"].map(
        (step) =>
          record.findIndex(
            ({ name, context }) => name === "step-start" && context?.["step"] === step,
          ),
      );
      t.strictSame(
        places,
        places.toSorted((a, b) => a - b),
        "in this order",
      );
      t.ok(places.every((place) => place >= 0));
      await flux.output("flux", "cancel", job);
      await flux.waitForEnd(job);
      t.same(await flux.leftovers(), []);
    },
  );

  await t.test("warm lists the images", async (t) => {
    const { stdout, exitCode } = await flux.run([...WARM, "--config", file, "--rank", "0-1"]);
    t.equal(exitCode, 0);
    t.equal(
      stdout,
      `2 of 2 nodes have the image\narchives in ${images} on node[0-1]:\n  flannel.tar: ghcr.io/flannel-io/flannel:v0.26\n  pause.tar.gz: registry.k8s.io/pause:3.10\n`,
    );
  });

  const half = join(images, "half.tar");
  const why = `${half} is an incomplete image archive (OCI or docker): unexpected end of data; copy it again (usernetes.images)`;

  await t.test(
    "an incomplete archive fails the job with its name and the node, and warm too",
    async (t) => {
      writeFileSync(half, FLANNEL.subarray(0, 20_000));
      const job = await flux.submit("-N1", "true");
      await flux.waitForEnd(job);
      const exception = (await flux.events(job)).find(({ name }) => name === "exception");
      t.equal(exception?.context?.["note"], `load-images failed on node0 (rank 0): exit 1: ${why}`);
      const left = (await flux.leftovers()).filter((line) => !line.includes("usernetes_warm"));
      t.same(left, []);
      const { stderr, exitCode } = await flux.run([...WARM, "--config", file, "--rank", "1"]);
      t.equal(exitCode, 1);
      t.match(stderr, `node1 (rank 1): failed: exit 1: ${why}`);
      rmSync(half);
    },
  );

  await t.test("a missing directory fails the job at stage", async (t) => {
    await flux.stopDaemon();
    await flux.startDaemon("--config", flux.table('images = "/opt/none"\n'));
    const job = await flux.submit("-N1", "true");
    await flux.waitForEnd(job);
    const exception = (await flux.events(job)).find(({ name }) => name === "exception");
    t.match(
      String(exception?.context?.["note"]),
      /^stage failed on node0 \(rank 0\): exit 1: the image directory \/opt\/none \(usernetes\.images\) is not on this node, or /,
    );
  });
});
