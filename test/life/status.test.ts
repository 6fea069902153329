import { life } from "./life.js";

interface Listed {
  jobid: string;
  state: string;
  nodes: { ready: number; asked: number };
  lead: string;
}

life(async (t, flux) => {
  const usernetes = (...args: string[]) => flux.run(["flux", "usernetes", ...args]);
  const list = async (...args: string[]) =>
    JSON.parse(await flux.output("flux", "usernetes", "list", "--json", ...args)) as Listed[];
  await flux.startDaemon();

  await t.test("the list has the clusters that are there", async (t) => {
    t.same(await list(), []);
    const job = await flux.submit("-N3", "sleep", "300");
    const other = await flux.output("flux", "submit", "-N1", "sleep", "300");
    // Rubbish in the place of our memo is no cluster, and hides none.
    await flux.output("flux", "job", "memo", other, "usernetes=17");
    await flux.output("flux", "job", "wait-event", "-t", "40s", job, "start");
    t.match(await list(), [{ jobid: job, state: "ready", nodes: { ready: 3, asked: 3 } }]);
    const { stdout } = await usernetes("list");
    const [heading, line, ...more] = stdout.trimEnd().split("\n");
    t.match(heading, /^ +JOBID USER +STATE +NODES ENGINE +TIME LEAD +HOSTS$/);
    t.match(line, new RegExp(`^ +${job} \\S+ +ready +3/3 docker +[0-9.]+s node0 +node\\[0-2\\]$`));
    t.same(more, []);
    t.match((await flux.run(["flux", "usernetes", "list", "-n"], { LC_ALL: "C" })).stdout, /^ +f/);
    t.same(await list(other), []);
    await flux.flux("cancel", job, other);
    await flux.waitForEnd(job);
    t.same(await list(), []);
    t.match(await list("-a"), [{ jobid: job, state: "gone" }]);
    t.match(await list("--filter=canceled"), [{ jobid: job }]);
    t.same(await list("--filter=pending"), []);
    t.match(await list(job), [{ jobid: job, lead: "node0" }]);
  });

  await t.test("what does not go is said", async (t) => {
    t.match(await usernetes("list", "no-id"), { exitCode: 2, stdout: "", stderr: /no-id/ });
    const argv = ["flux-usernetes", "list"];
    t.match(await flux.run(argv, { FLUX_URI: "local:///nonexistent" }), { exitCode: 4 });
  });
});
