/** The daemon when its Flux instance is lost. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { until } from "../hosts/until.js";
import { processes, started } from "./started.js";

const DAEMONS_OWN = /flux-usernetes|bridge\.py|eventlog --follow|flux.* exec /;

started(async (t, start, folder) => {
  await t.test("a daemon whose instance dies exits with 4 and ends its children", async (t) => {
    const flux = await start({ env: { FLUX_RC_EXTRA: "" } });
    await flux.startDaemon();
    await flux.waitFor(await flux.submit("-N2", "sleep", "300"), "start");
    flux.takes("kubeadm-init", 60);
    const early = await flux.submit("-N2", "true");
    await flux.waitForStep(early, "kubeadm-init");
    const own = () => processes(folder).filter((line) => DAEMONS_OWN.test(line));
    t.not(own().length, 0);
    await flux.crash();
    t.equal(await flux.daemonEnd(), 4);
    // On a busy machine, an agent needs a moment to notice that its caller has ended.
    await until("no process of the daemon runs", () => own().length === 0);
  });

  const skip = folder.includes("embedded") ? "the embedded Flux does not start again" : false;
  await t.test(
    "a daemon that meets the next run of its instance exits, too",
    { skip },
    async (t) => {
      const rundir = join(folder, "run");
      mkdirSync(rundir);
      const options = { env: { FLUX_RC_EXTRA: "" }, args: [`--test-rundir=${rundir}`] };
      const before = await start(options);
      await before.startDaemon();
      // The stopped daemon cannot notice the crash.
      before.signalDaemon("SIGSTOP");
      await before.crash();
      const flux = await start(options);
      t.equal(flux.place.env["FLUX_URI"], before.place.env["FLUX_URI"]);
      before.signalDaemon("SIGCONT");
      t.equal(await before.daemonEnd(), 4, "what it knows is not this one's");
    },
  );
});
