/**
 * A daemon is upgraded while clusters are open: it continues the bring-ups of an earlier version,
 * and removes its clusters.
 */
import { kvsDirectory } from "../../lib/flux/jobid.js";
import { until } from "../hosts/until.js";
import { earlierVersion, whyNoEarlier } from "./earlier.js";
import { life } from "./life.js";

const VERSIONS = [
  // Before the agent, many small programs ran on the nodes, and a cluster's entry had no options.
  { commit: "c5ad539", title: "before the agent" },
  // Before this commit, a node's directory in the work directory had the name of its host.
  { commit: "e7d7562", title: "before directories of ranks" },
];

life(
  async (t, flux) => {
    const { daemonProgram } = flux;
    const upgrade = async () => {
      flux.daemonProgram = daemonProgram;
      await flux.startDaemon();
    };

    for (const { commit, title } of VERSIONS)
      await t.test(title, { skip: whyNoEarlier(commit) ?? false }, async (t) => {
        const earlier = await earlierVersion(commit);
        t.teardown(earlier.remove);
        const startEarlier = async () => {
          flux.daemonProgram = earlier.program;
          await flux.startDaemon();
        };

        await t.test("an interrupted bring-up continues", async (t) => {
          await startEarlier();
          flux.takes("kubeadm-init", 3);
          const job = await flux.submit("-N2", "true");
          await flux.waitForStep(job, "kubeadm-init");
          await flux.stopDaemon("SIGKILL");
          flux.takes("kubeadm-init", 0.1);
          await upgrade();
          await flux.waitForEnd(job);
          const finish = (await flux.events(job)).filter(({ name }) => name === "finish");
          t.match(finish, [{ context: { status: 0 } }], flux.daemonLog);
          t.same(await flux.leftovers(), [], flux.daemonLog);
          await flux.stopDaemon();
        });

        await t.test("a ready cluster is removed when its job ends", async (t) => {
          await startEarlier();
          const job = await flux.submit("-N2", "sleep", "300");
          await flux.waitFor(job, "start");
          await flux.stopDaemon("SIGKILL");
          await upgrade();
          await flux.flux("cancel", job);
          await flux.waitForEnd(job);
          t.same(await flux.leftovers(), [], flux.daemonLog);
          await flux.stopDaemon();
        });

        await t.test("a cluster that only its entry knows is removed", async (t) => {
          await startEarlier();
          const job = await flux.submit("-N2", "sleep", "300");
          await flux.waitFor(job, "start");
          await flux.stopDaemon("SIGKILL");
          await flux.flux("cancel", job);
          await flux.waitFor(job, "clean");
          // Removes the record, as a purge of the job by Flux does.
          const jobid = BigInt(await flux.output("flux", "job", "id", "--to=dec", job));
          await flux.output("flux", "kvs", "unlink", "-R", `${kvsDirectory(jobid)}.usernetes`);
          t.not((await flux.leftovers()).length, 0);
          await upgrade();
          await until("the cluster is removed", async () => (await flux.leftovers()).length === 0);
          await flux.stopDaemon();
        });
      });
  },
  "",
  { quick: false },
); // Earlier daemons do not know `ready`.
