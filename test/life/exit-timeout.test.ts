/**
 * Every node runs the job's script, but only the node with the kubeconfig continues. By default,
 * Flux ends such a job 30 s after its first task has ended. This test runs only on a real Flux,
 * where it takes these 30 s. test/sandbox/shell-plugin.test.ts tests the same on the embedded Flux
 * with a shorter time.
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
