/** Nodes are lost in each phase of a cluster's life, and come back. */
import { until } from "../hosts/until.js";
import { life } from "./life.js";
import { processes } from "./started.js";

/** Ends the hanging steps, which a killed broker leaves behind but a dead node does not. */
function killHanging(testbed: string): void {
  for (const line of processes(testbed))
    if (line.includes("sleep 86400")) process.kill(Number.parseInt(line), "SIGKILL");
}

life(
  async (t, flux) => {
    await flux.startDaemon();
    const fatal = async (job: string) =>
      (await flux.events(job)).find((entry) => entry.context?.["severity"] === 0)?.context;
    const down = async (job: string) =>
      (await flux.record(job)).filter(({ name }) => name === "down").at(-1)?.context;
    /** The leftovers on all other ranks. */
    const othersAreClean = async (rank: number) => {
      const left = await flux.leftovers();
      return left.filter((line) => new RegExp(`node[^${rank}]|disk [^${rank}]:`).test(line));
    };
    const back = async (rank: number) => {
      flux.place.restore?.(rank);
      await until("there are no leftovers", async () => (await flux.leftovers()).length === 0);
      // Flux would refuse a job on all nodes that is submitted before the node is back.
      const free = async () => /^ *free +4 /m.test(await flux.output("flux", "resource", "list"));
      await until("four free nodes", free);
    };

    await t.test("a lost node fails the job at once while its cluster comes up", async (t) => {
      flux.takes("kubeadm-init", 60);
      const job = await flux.submit("-N4", "true");
      await flux.waitForStep(job, "kubeadm-init");
      await flux.lose(3);
      await flux.waitForEnd(job);
      flux.takes("kubeadm-init", 0.1);
      t.match(await fatal(job), {
        type: "usernetes",
        note: "node3 (rank 3) was lost while its cluster came up",
      });
      t.match(await down(job), { left: [3] });
      t.same(await othersAreClean(3), []);
      const left = await flux.leftovers();
      t.ok(
        left.some((line) => line.startsWith("usernetes.cluster ")),
        "its entry stays",
      );
    });

    await t.test("other jobs continue", async (t) => {
      const job = await flux.submit("-N3", "true");
      await flux.waitForEnd(job);
      t.match(await down(job), { left: { length: 0 } });
    });

    await t.test("leftovers are removed when the node returns", async (t) => {
      await back(3);
      t.same(await flux.leftovers(), []);
    });

    await t.test(
      "a lost node fails a running job, and the other nodes are torn down",
      async (t) => {
        const job = await flux.submit("-N4", "sleep", "300");
        await flux.waitFor(job, "start");
        await flux.lose(2);
        await flux.waitForEnd(job);
        t.match(await fatal(job), { type: "exec", note: /node failure on node2/ });
        t.match(await down(job), { left: [2] });
        t.same(await othersAreClean(2), [], "the others are cleaned");
        await back(2);
        t.same(await flux.leftovers(), []);
      },
    );

    await t.test("a node that is lost during its teardown becomes a leftover", async (t) => {
      flux.fault("node1.down-v", "hang");
      const job = await flux.submit("-N4", "true");
      await flux.waitForStep(job, "down-v");
      await flux.lose(1);
      flux.fault("node1.down-v", undefined);
      await flux.waitForEnd(job);
      t.match(await down(job), { left: [1] });
      t.same(await othersAreClean(1), []);
      killHanging(flux.place.testbed);
      await back(1);
      t.same(await flux.leftovers(), []);
    });

    await t.test("a node that returns is used again", async (t) => {
      const job = await flux.submit("-N4", "true");
      await flux.waitForEnd(job);
      t.match(await down(job), { left: { length: 0 } });
      t.same(await flux.leftovers(), []);
    });
  },
  "",
  { apart: true },
);
