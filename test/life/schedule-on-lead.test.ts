/** Whether pods may run on a cluster's lead: the default, and each way to set the option. */
import { join } from "node:path";
import { TEMPLATE } from "../sandbox/paths.js";
import { life } from "./life.js";

const TAINT = /node-role\.kubernetes\.io\/control-plane/g;

life(async (t, flux) => {
  await flux.startDaemon();
  const script = flux.script(
    '[ "$FLUX_TASK_RANK" = 0 ] || exit 0; kubectl get nodes -o json; echo',
  );

  /** Runs a job and counts the nodes of its cluster that have the control plane's taint. */
  const taints = async (nodes: number, ...options: string[]): Promise<number> => {
    const ask = ["--setattr=user.usernetes=yes", ...options, script];
    const run = await flux.flux("run", `-N${nodes}`, `-n${nodes}`, ...ask);
    t.equal(run.stdout.match(/"kind":"Node"/g)?.length, nodes, run.stderr);
    return run.stdout.match(TAINT)?.length ?? 0;
  };
  const inJob = (value: string) => `--setattr=user.usernetes_schedule_on_lead=${value}`;

  await t.test("pods may run on the lead by default if it is the only node", async (t) => {
    t.equal(await taints(1), 0);
    t.equal(await taints(2), 1);
  });

  await t.test("a job's own option takes precedence", async (t) => {
    t.equal(await taints(2, inJob("yes")), 0);
    t.equal(await taints(1, inJob("no")), 1);
    t.equal(await taints(1, inJob("auto")), 0);
  });

  /** Counts these nodes in the cluster of a kubeconfig on the first node. */
  const taintsOf = async (kubeconfig: string): Promise<number> => {
    const ask = ["env", `KUBECONFIG=${kubeconfig}`, "kubectl", "get", "nodes", "-o", "json"];
    const text = await flux.output("flux", "exec", "-n", "-r", "0", ...ask);
    t.match(text, '"kind":"Node"');
    return text.match(TAINT)?.length ?? 0;
  };

  await t.test(
    "a cluster of an instance is handled the same way, and so is one by hand",
    async (t) => {
      const up = ["flux-usernetes", "up", "-x", "1-3", "--pass-env", "TESTBED"];
      t.equal(await taintsOf(await flux.output(...up)), 0);
      await flux.output("flux-usernetes", "down", "--pass-env", "TESTBED");
      const workdir = join(flux.place.base, "by-hand");
      const hand = async (env: string[], ...args: string[]) => {
        const own = [`USERNETES_TEMPLATE=${TEMPLATE}`, ...env];
        const ask = ["env", ...own, "usernetes", ...args, "--workdir", workdir];
        const { exitCode, stderr } = await flux.flux("exec", "-n", "-r", "0", ...ask);
        t.equal(exitCode, 0, stderr);
      };
      for (const [env, expected] of [
        [[], 0],
        [["USERNETES_SCHEDULE_ON_LEAD=no"], 1],
      ] as const) {
        await hand([...env], "start-control-plane", "--worker-count=0");
        t.equal(await taintsOf(join(workdir, "kubeconfig")), expected);
        await hand([], "down");
      }
      t.same(await flux.leftovers(), []);
    },
  );

  await t.test("the configuration applies if a job sets nothing", async (t) => {
    await flux.stopDaemon();
    await flux.startDaemon("--config", flux.table('schedule-on-lead = "yes"\n'));
    t.equal(await taints(2), 0);
    t.equal(await taints(2, inJob("no")), 1);
    await flux.stopDaemon();
  });
});
