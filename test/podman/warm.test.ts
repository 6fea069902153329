/** After `flux usernetes warm`, jobs build their images from the cached layers. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { podmanLife } from "./life.js";

const KEPT = ["localhost/usernetes_warm_node:latest false"];

await podmanLife({ size: 1, table: "attempts = { kubeadm-init = 1 }\n" }, async (t, flux) => {
  const warm = async () => {
    const argv = ["flux-usernetes", "warm", "--rank", "0", "--pass-env", "TESTBED"];
    const { exitCode, stderr } = await flux.run(argv);
    t.equal(exitCode, 0, stderr);
    return stderr;
  };

  /** The images of the first host, without the tests' own image. */
  const images = async () => {
    const format = ["--format", "{{.Repository}}:{{.Tag}} {{.ReadOnly}}"];
    const all = await flux.lists(0, "image", "ls", "-a", ...format);
    return all.filter((line) => line.endsWith(" false"));
  };

  await t.test("both nodes of a job use all layers of the warm image and keep it", async (t) => {
    t.match(await warm(), /^node0 \(rank 0\): image ready after /m);
    t.same(await images(), KEPT);
    // The job may fail after `up`: the test needs only the log of this step.
    const used = join(flux.place.testbed, "used");
    const count = `grep -c "Using cache" .usernetes/nodes/*/up.log >>${used}; exit 1`;
    flux.instead({ "kubeadm-init": count });
    await flux.startDaemon();
    for (const job of ["first", "second"]) {
      await flux.ended(await flux.submit("-N1", "true"));
      t.same(await images(), KEPT, `the ${job} job's own image is gone`);
      await flux.podman(0, "image", "prune", "-f");
    }
    t.equal(readFileSync(used, "utf8"), "1\n1\n", "the only layer, for both");
    t.match(await warm(), /^node0 \(rank 0\): image already present /m);
    await flux.stopDaemon();
  });
});
