/** Leftovers after a job's end are found and removed. */
import { existsSync } from "node:fs";
import { until } from "../hosts/until.js";
import { life, type Tap } from "./life.js";
import { processTree } from "./process-tree.js";

life(async (t, flux) => {
  const clean = (...args: string[]) => flux.run(["flux-usernetes", "clean", ...args]);
  const dec = (job: string) => flux.output("flux", "job", "id", "--to=dec", job);
  const directory = (job: string) => flux.output("flux", "job", "id", "--to=kvs", job);

  /** Makes a job that ends while no daemon runs, so that its cluster remains. */
  const abandoned = async () => {
    await flux.startDaemon();
    const job = await flux.submit("-N3", "sleep", "300");
    await flux.waitFor(job, "start");
    const all = processTree(flux.daemonPid);
    await flux.stopDaemon("SIGKILL");
    // A bridge that outlives the daemon would still hold the job's nodes.
    await until("its children end", () => !all.some(({ pid }) => existsSync(`/proc/${pid}`)));
    await flux.flux("cancel", job);
    await flux.waitFor(job, "clean");
    return job;
  };
  const allGone = async (t: Tap) => {
    await until("there are no leftovers", async () => (await flux.leftovers()).length === 0);
    t.same(await flux.leftovers(), []);
  };

  await t.test("a cluster without an entry is found by its marker files", async (t) => {
    const job = await abandoned();
    await flux.output("flux", "kvs", "unlink", `usernetes.cluster.${await dec(job)}`);
    await flux.startDaemon();
    await allGone(t as unknown as Tap);
    await flux.waitForRecord(job, "down");
    const [down] = (await flux.record(job)).slice(-1);
    t.match(down, { name: "down", context: { left: { length: 0 } } }, "its record is closed");
    await flux.stopDaemon();
  });

  await t.test("a cluster without a record is removed", async (t) => {
    const job = await abandoned();
    await flux.output("flux", "kvs", "unlink", `usernetes.cluster.${await dec(job)}`);
    await flux.output("flux", "kvs", "unlink", `${await directory(job)}.usernetes.eventlog`);
    await flux.startDaemon();
    await allGone(t as unknown as Tap);
    await flux.stopDaemon();
  });

  await t.test("resources of another instance on the same nodes are not touched", async (t) => {
    const other = `${flux.place.base}/usernetes-ƒother`;
    const mark = `mkdir -p ${other}/.usernetes && echo "5 another-instance x" >${other}/.usernetes/owner`;
    await flux.output("flux", "exec", "-r", "1", "sh", "-c", mark);
    await flux.startDaemon();
    t.match(await clean("--all"), {
      exitCode: 0,
      stdout: "nothing is left of any job's cluster\n",
    });
    t.match(await flux.leftovers(), [/^disk 1: usernetes-ƒother$/]);
    await flux.output("flux", "exec", "-r", "1", "rm", "-rf", other);
  });

  await t.test("clean refuses an active job and an invalid ID", async (t) => {
    const job = await flux.submit("-N1", "sleep", "300");
    await flux.waitFor(job, "start");
    const refused = await clean(job);
    t.match(refused, { exitCode: 1, stdout: "" });
    t.match(
      refused.stderr,
      /^flux-usernetes: job ƒ\w+ is active: cancel it, or wait until it ends\n$/,
    );
    t.match(await clean("--all"), { exitCode: 0 });
    t.match(await clean("no job"), { exitCode: 2, stderr: /invalid job ID "no job": expected / });
    t.match(await clean(), { exitCode: 2, stderr: /name one job or more, or --all/ });
    await flux.flux("cancel", job);
    await flux.waitForEnd(job);
    t.match(await clean(job), { exitCode: 0, stdout: /^ƒ\w+: nothing is left\n$/ });
  });

  await t.test("clean finishes a failed teardown", async (t) => {
    flux.fault("node1.down-v", "exit 3");
    flux.fault("node1.engine", "hang");
    await flux.stopDaemon();
    await flux.startDaemon("--config", flux.table('teardown-timeout = "2s"\n'));
    const job = await flux.submit("-N2", "true");
    await flux.waitForEnd(job);
    const still = await clean(job);
    t.match(still, {
      exitCode: 1,
      stdout:
        /^ƒ\w+: leftovers on node1 \(rank 1\): timed out after 2 s: removing container \S+\n$/,
    });
    for (const what of ["down-v", "engine"]) flux.fault(`node1.${what}`, undefined);
    t.match(await clean("--json", job), { exitCode: 0, stdout: /^\[\{"jobid":"[0-9]+","left":""/ });
    t.same(await flux.leftovers(), []);
    const drained = () => flux.output("flux", "resource", "drain");
    for (let look = 0; look < 50 && (await drained()).includes("usernetes"); look++)
      await new Promise((resolve) => setTimeout(resolve, 100));
    t.notMatch(await drained(), /usernetes/, "the node is undrained");
  });

  await t.test("clean reports a missing daemon and a missing instance", async (t) => {
    await flux.stopDaemon();
    t.match(await clean("--all"), { exitCode: 5, stderr: /^flux-usernetes: no daemon runs in / });
    const nowhere = { FLUX_URI: "local:///nonexistent" };
    t.match(await flux.run(["flux-usernetes", "clean", "--all"], nowhere), {
      exitCode: 4,
      stderr: /^flux-usernetes: no Flux instance answers: .*\n$/,
    });
  });
});
