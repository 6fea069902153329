/**
 * Every node runs the script, and only the one with the kubeconfig continues: Flux would end
 * such a job 30 s after its first task has ended. Played on a real Flux alone, where that takes
 * 30 s; test/sandbox/shell-plugin.test.ts has the same on the embedded one, with less.
 */
import t from "tap";
import { whyNoRealFlux } from "../hosts/real-flux.js";
import { LifeFlux } from "./flux.js";
import { realPlace } from "./places.js";

t.test(
  "a job may outlive the first of its tasks by more than 30 s",
  { skip: whyNoRealFlux() ?? false },
  async (t) => {
    const flux = new LifeFlux(await realPlace(""));
    flux.hurry();
    t.teardown(() => flux.close());
    await flux.startDaemon();
    const script = flux.script("test $FLUX_TASK_RANK = 0 || exit 0; sleep 33; echo done");
    const job = await flux.submit("-N2", "-n2", script);
    await flux.waitForEnd(job, "90s");
    const { exitCode, stdout, stderr } = await flux.flux("job", "attach", job);
    t.equal(exitCode, 0, stderr);
    t.equal(stdout, "done\n");
  },
);
