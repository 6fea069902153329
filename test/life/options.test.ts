/** The options --usernetes and --usernetes-options, and refusals at submission. */
import { whyNoPython } from "../fakes/flux-plugins.js";
import { CLI_PLUGINS } from "../sandbox/plugins.js";
import { life } from "./life.js";

const PLUGINS = { FLUX_CLI_PLUGINPATH: CLI_PLUGINS };

life(async (t, flux) => {
  const options = { skip: whyNoPython ?? false };
  await flux.startDaemon();

  await t.test("flux run --usernetes runs its tasks with a cluster", options, async (t) => {
    const asked = ["flux", "run", "-N2", "--usernetes", "--usernetes-options=tolerate=1"];
    const { exitCode, stdout, stderr } = await flux.run(
      [...asked, "sh", "-c", "echo $KUBECONFIG"],
      PLUGINS,
    );
    t.equal(exitCode, 0, stderr);
    t.match(stdout, /^(\/.*\/usernetes-ƒ[^/]*\/kubeconfig\n){2}$/);
    t.equal(flux.startedSteps().filter((line) => line.endsWith(" up")).length, 2);
  });

  await t.test("a batch script asks for a cluster in its #flux: lines", options, async (t) => {
    const script = flux.script("#flux: -N1\n#flux: --usernetes\ntest -r $KUBECONFIG");
    const { stdout, stderr } = await flux.run(["flux", "batch", script], PLUGINS);
    const job = stdout.trim();
    await flux.waitForEnd(job);
    const finish = (await flux.events(job)).find(({ name }) => name === "finish");
    t.match(finish?.context, { status: 0 }, stderr);
  });

  await t.test(
    "flux alloc --usernetes gets a cluster",
    { skip: flux.kind === "embedded" },
    async (t) => {
      const { stdout } = await flux.run(
        ["flux", "alloc", "-N1", "--usernetes", "--usernetes-options=debug", "--dry-run", "true"],
        PLUGINS,
      );
      const { attributes } = JSON.parse(stdout) as { attributes: { user: unknown } };
      t.same(attributes.user, { usernetes: "yes", usernetes_debug: "yes" });
    },
  );
});
