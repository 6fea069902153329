/** `flux shutdown` removes all clusters, and then the daemon ends. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { remains, started, type StartedLife } from "./started.js";

const LONG = ["sleep", "300"];
const DEBUG = "--setattr=attributes.user.usernetes_debug=yes";

/** Submits a job that runs, and a job whose cluster is still coming up. */
async function submitAll(flux: StartedLife): Promise<void> {
  await flux.waitFor(await flux.submit("-N2", ...LONG), "start");
  flux.takes("kubeadm-init", 60);
  const early = await flux.submit("-N1", ...LONG);
  await flux.waitForStep(early, "kubeadm-init");
}

started(async (t, start, folder) => {
  const ends: [string, (flux: StartedLife) => Promise<unknown>][] = [
    ["flux shutdown", (flux) => flux.flux("shutdown")],
    ["the end of the initial program", (flux) => flux.close()],
  ];
  for (const [name, end] of ends)
    await t.test(`${name} takes every cluster down and ends`, async (t) => {
      const flux = await start();
      await submitAll(flux);
      await end(flux);
      t.type(await flux.ended, "number");
      t.same(remains(folder), [], "no host has leftovers or processes");
    });

  await t.test(
    "flux shutdown ends with a job that is held for debugging, and keeps it",
    async (t) => {
      const flux = await start();
      const debug = await flux.submit("-N1", DEBUG, ...LONG);
      await flux.waitForRecord(debug, "settle");
      await flux.flux("shutdown");
      t.type(await flux.ended, "number");
      const left = remains(folder);
      t.not(left.length, 0, "its cluster is still there");
      for (const what of left) t.match(what, debug.slice(1).toLowerCase(), "and nothing else");
      for (const host of ["hosts", "testbed/engine"])
        rmSync(join(folder, host), { recursive: true, force: true });
    },
  );

  await t.test("a job that waits for its nodes does not delay a shutdown", async (t) => {
    const flux = await start();
    await flux.waitFor(await flux.output("flux", "submit", "-N4", "-x", ...LONG), "start");
    await flux.waitFor(await flux.submit("-N4", ...LONG), "priority");
    await flux.flux("shutdown");
    t.type(await flux.ended, "number");
    t.same(remains(folder), []);
  });
});
