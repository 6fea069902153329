/** Tests docs/admin/install.md: it installs the package beside a Flux that is a systemd unit. */
import type { Test } from "tap";
import { install, startFlux } from "../install.js";
import { putTemplate } from "../node-image.js";
import { good, type Site } from "../site.js";

/** The installation creates this file at its end. A kept machine is not installed again. */
const DONE = "/var/lib/usernetes-vm-installed";

/** The time limits are long, because a bring-up takes minutes on an emulated processor. */
const KEYS = {
  interface: '"eth1"',
  "bring-up-timeout": '"60m"',
  "teardown-timeout": '"20m"',
};

export async function installLives(t: Test, site: Site): Promise<void> {
  if ((await site.root(`test -e ${DONE}`)).exitCode === 0) {
    t.pass("an earlier run has installed it");
    return;
  }
  await t.test("Flux is a unit, and the package is installed by the document", async (t) => {
    await startFlux(t, site);
    await putTemplate(t, site);
    await install(t, site, KEYS);
    if (t.passing()) await good(t, "it is done", site.root(`: >${DONE}`));
  });

  await t.test("flux.service delegates its control group to the owner", async (t) => {
    const own = 'stat -c %U "/sys/fs/cgroup$(sed -n s/^0:://p /proc/self/cgroup)"';
    const seen = await good(t, "a step asks", site.owner(`flux exec -r 0 sh -c '${own}'`));
    t.equal(seen.trim(), "flux", "where rootless podman enters no container");
  });
}
