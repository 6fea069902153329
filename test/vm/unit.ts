/** The package beside a Flux that is a systemd unit, as docs/admin has it. */
import type { Test } from "tap";
import { good, install, startFlux, type Site } from "./site.js";

export async function unitLives(t: Test, site: Site): Promise<void> {
  await t.test("Flux is a unit, and the package is installed by the document", async (t) => {
    await startFlux(t, site);
    await install(t, site, "podman");
  });

  await t.test("flux.service delegates its control group to the owner", async (t) => {
    const own = 'stat -c %U "/sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup)"';
    const seen = await good(t, "a step asks", site.owner(`flux exec -r 0 sh -c '${own}'`));
    t.equal(seen.trim(), "flux", "where rootless podman enters no container");
  });
}
