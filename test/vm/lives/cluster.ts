/**
 * Clusters of the instance owner with one rootless engine, under flux.service. Each life
 * leaves nothing on any machine.
 */
import type { Test } from "tap";
import { setUpEngine, type EngineName } from "../accounts.js";
import { admin } from "../documents.js";
import { Jobs } from "../jobs.js";
import { leftovers } from "../leftovers.js";
import { good, type Site } from "../site.js";

export const clusterLives = (engine: EngineName) => async (t: Test, site: Site) => {
  const jobs = new Jobs(site, "flux");
  const clean = async (t: Test) => {
    t.same(await leftovers(site, "flux", engine), [], "there are no leftovers");
  };
  /** `-N1` is one node of the two, and `-N2` is what the machines allow. */
  const all = `-N${site.hosts.length}`;

  await t.test(`the document sets up ${engine} of the instance owner`, async (t) => {
    await setUpEngine(t, site, "flux", engine);
    await site.configure(t, {
      "container-engine": `"${engine}"`,
      interface: '"eth1"',
      "run-as": '"owner"',
    });
  });

  await t.test("warm builds the image on each node", async (t) => {
    const [warm = ""] = admin("install", "7. Build the image ahead of time");
    const { stdout, stderr, exitCode } = await site.owner(warm);
    t.equal(exitCode, 0, stdout + stderr);
    for (const { name } of site.hosts)
      t.match(stderr + stdout, new RegExp(`^${name} .*image (ready|already)`, "m"));
  });

  await t.test("the first cluster of the document has all nodes", async (t) => {
    const last = admin("install", "8. A first cluster").at(-1) ?? "";
    const nodes = await good(t, last, site.owner(last.replace("-N2", all)));
    for (const { name } of site.hosts) t.match(nodes, new RegExp(`^u7s-${name} +Ready`, "m"));
    await clean(t);
  });

  await t.test("a job that is canceled in up leaves nothing", async (t) => {
    const job = await jobs.submit(t, "-N1 --usernetes true");
    await jobs.stepStarts(t, job, "up");
    await good(t, "flux cancel", site.owner(`flux cancel ${job}`));
    await jobs.ends(t, job);
    t.match(await jobs.settled(job), { outcome: "canceled" });
    await clean(t);
  });

  await t.test("a daemon that is killed in up is restarted and resumes it", async (t) => {
    const job = await jobs.submit(t, "-N1 --usernetes true");
    await jobs.stepStarts(t, job, "up");
    await good(t, "kill -9", site.root("systemctl kill -s KILL --kill-whom=main flux-usernetes"));
    await jobs.ends(t, job);
    t.match(await jobs.settled(job), { outcome: "ready" });
    t.match(
      await good(t, "restarts", site.root("systemctl show -P NRestarts flux-usernetes")),
      /[1-9]/,
    );
    await clean(t);
  });
};
