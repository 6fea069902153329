/** The daemon is restarted at several states of a cluster. */
import { life } from "./life.js";

const LONG = ["sleep", "300"];

life(async (t, flux) => {
  await flux.startDaemon();

  await t.test("the next daemon resumes a bring-up after a kill", async (t) => {
    flux.takes("kubeadm-init", 2);
    const job = await flux.submit("-N2", "true");
    await flux.waitForStep(job, "kubeadm-init");
    await flux.stopDaemon("SIGKILL");
    flux.takes("kubeadm-init", 0.1);
    await flux.startDaemon();
    await flux.waitForEnd(job);
    const events = await flux.events(job);
    t.match(
      events.filter((entry) => entry.name === "finish"),
      [{ context: { status: 0 } }],
    );
    for (const log of ["prolog-start", "prolog-finish", "epilog-start", "epilog-finish"])
      t.ok(events.filter((entry) => entry.name === log).length <= 1, `${log} comes once`);
    const staged = (await flux.record(job)).filter(
      (entry) => entry.name === "step-start" && entry.context?.["step"] === "stage",
    );
    t.equal(staged.length, 1, "what was done is not done again");
    t.same(await flux.leftovers(), []);
  });

  await t.test("the next daemon releases a job that was canceled meanwhile", async (t) => {
    flux.takes("kubeadm-init", 30);
    const job = await flux.submit("-N2", ...LONG);
    await flux.waitForStep(job, "kubeadm-init");
    await flux.stopDaemon("SIGKILL");
    await flux.flux("cancel", job);
    flux.takes("kubeadm-init", 0.1);
    await flux.startDaemon();
    await flux.waitForEnd(job);
    t.match(
      (await flux.record(job)).filter((entry) => entry.name === "settle"),
      [{ context: { outcome: "canceled" } }],
    );
    t.same(await flux.leftovers(), []);
  });

  await t.test("the next daemon cleans a job that ended meanwhile", async (t) => {
    const job = await flux.submit("-N2", ...LONG);
    await flux.waitFor(job, "start");
    await flux.stopDaemon("SIGKILL");
    await flux.flux("cancel", job);
    await flux.waitFor(job, "clean");
    t.not((await flux.leftovers()).length, 0, "it is still there");
    await flux.startDaemon();
    await flux.waitForEnd(job);
    t.same(await flux.leftovers(), []);
  });

  await t.test("a killed bridge is restarted, and nothing is lost", async (t) => {
    flux.takes("kubeadm-init", 1);
    const job = await flux.submit("-N2", "true");
    await flux.waitForStep(job, "kubeadm-init");
    t.equal(flux.signalChildren("bridge.py", "SIGKILL"), 1);
    await flux.waitForEnd(job);
    t.match(
      (await flux.events(job)).filter((entry) => entry.name === "finish"),
      [{ context: { status: 0 } }],
    );
    const next = await flux.submit("-N2", "true");
    await flux.waitForEnd(next);
    t.same(await flux.leftovers(), []);
  });

  await t.test("a killed follow is restarted, and nothing is lost", async (t) => {
    const job = await flux.submit("-N2", ...LONG);
    await flux.waitFor(job, "start");
    t.equal(flux.signalChildren("--follow", "SIGKILL"), 1);
    await flux.flux("cancel", job);
    await flux.waitForEnd(job);
    t.same(await flux.leftovers(), []);
  });
});
