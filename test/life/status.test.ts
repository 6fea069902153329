/** `flux usernetes list`, `status` and `wait` while clusters come and go. */
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

  await t.test("the list shows the clusters that exist", async (t) => {
    t.same(await list(), []);
    const job = await flux.submit("-N3", "sleep", "300");
    const other = await flux.output("flux", "submit", "-N1", "sleep", "300");
    // An invalid value of our memo does not count as a cluster, and hides no other cluster.
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

  await t.test("a cluster is followed line by line until it is removed", async (t) => {
    const job = await flux.submit("-N2", "true");
    const { stdout } = await usernetes("status", "--watch", job);
    const lines = stdout.trimEnd().split("\n");
    const reported = lines.map((line) =>
      line.replace(/ in [0-9.]+s$/, "").replace(/^ *[0-9.]+s /, ""),
    );
    const at = [
      ...["starting on node[0-1] (rank 0-1)", "kubeadm-join: begins on node1 (rank 1)"],
      ...["kubeadm-join: ok on node1 (rank 1)", "ready", "stopping: finish", "gone"],
    ].map((words) => reported.indexOf(words));
    t.notOk(at.includes(-1), stdout);
    const ordered = [...at].sort((a, b) => a - b);
    t.same(at, ordered);
    t.equal(reported.at(-1), "gone");
    t.match((await usernetes("status", job)).stdout, `${job}: gone, `);
  });

  await t.test("a step that hangs is reported with its deadline", async (t) => {
    flux.fault("node1.up", "hang");
    const job = await flux.submit("-N2", "true");
    const early = await usernetes("wait", "--timeout", "6s", job);
    t.match(early, { exitCode: 1, stdout: "" });
    const where = "waiting for up on node1 \\(rank 1\\)";
    const waits = `${where}: [0-9.]+s so far, deadline [0-9:]{8}`;
    const printed = early.stderr.trimEnd().split("\n");
    t.match(printed[0], new RegExp(`^flux-usernetes: ${job}: ${where}`));
    t.match(printed.at(-1), new RegExp(`: ${job}: not ready after 6s: ${waits}$`));
    t.match((await usernetes("status", job)).stdout, new RegExp(`\n\n${waits}\n$`));
    flux.fault("node1.up", undefined);
    const [late] = await Promise.all([usernetes("wait", job), flux.flux("cancel", job)]);
    t.match(late, { exitCode: 1, stderr: /: (canceled|it is being removed|the job has ended)/ });
    await flux.waitForEnd(job);
  });

  await t.test("a failed cluster shows the step, its last lines and its log", async (t) => {
    flux.fault("node1.kubeadm-join", "exit 2");
    const debug = "--setattr=attributes.user.usernetes_debug=yes";
    const job = await flux.submit("-N2", debug, "true");
    const why = /kubeadm-join failed on node1 \(rank 1\) \(3 tries\): exit 2: injected fault/;
    t.match(await usernetes("wait", job), { exitCode: 1, stdout: "", stderr: why });
    const { stdout } = await usernetes("status", job);
    t.match(stdout, why);
    const log = /full log: node1:(\S+)\n/.exec(stdout)?.[1] ?? "";
    t.match(await flux.output("flux", "exec", "-r", "1", "cat", log), "injected fault");
    t.match(stdout, /\nkubeadm-join +failed +[0-9.]+s +3 1\n/);
    t.match(stdout, `flux usernetes release ${job}`);
    flux.fault("node1.kubeadm-join", undefined);
    const json = await flux.output("flux", "usernetes", "status", "--json", job);
    t.match(JSON.parse(json), { state: "held", outcome: "failed", kubeconfig: null });
    t.match((await usernetes("status")).stdout, ` ${job} `);
    await flux.flux("cancel", job);
    await flux.waitForEnd(job);
    t.match((await usernetes("status", job)).stdout, `${job}: kept, `);
    await usernetes("clean", job);
    t.equal((await usernetes("status")).stdout, "there is no cluster\n");
  });

  await t.test("the instance's own cluster is listed beside the jobs'", async (t) => {
    const job = await flux.submit("-N1", "sleep", "300");
    const ready = { exitCode: 0, stdout: `${job}: ready\n` };
    t.match(await usernetes("wait", "--timeout", "1m", job), ready);
    const text = (await flux.record(job)).map((event) => `${JSON.stringify(event)}\n`).join("");
    await flux.output("flux", "kvs", "put", "--raw", `usernetes.eventlog=${text}`);
    t.match(await list(), [
      { jobid: "instance", state: "ready" },
      { jobid: job, state: "ready" },
    ]);
    t.match((await usernetes("status")).stdout, /^ +instance .*\n +ƒ/m);
    t.match((await usernetes("status", "instance")).stdout, /^instance: ready after /);
    t.match(await usernetes("wait", "instance"), { exitCode: 0, stdout: "instance: ready\n" });
    if (flux.kind === "embedded") {
      // Both clusters belong to the owner, so a guest sees neither.
      const guest = { SANDBOX_USER: "12345" };
      const as = (...args: string[]) => flux.run(["flux", "usernetes", ...args], guest);
      t.match(await as("list", "--json"), { exitCode: 0, stdout: "[]\n" });
      t.match(await as("status", job), { exitCode: 1, stderr: /another user's/ });
      t.match(await as("status", "instance"), { exitCode: 1, stderr: /that this user may see/ });
    }
    await flux.output("flux", "kvs", "unlink", "usernetes.eventlog");
    await flux.flux("cancel", job);
    await flux.waitForEnd(job);
  });

  await t.test("list, status and wait report errors", async (t) => {
    t.match(await usernetes("list", "no-id"), { exitCode: 2, stdout: "", stderr: /no-id/ });
    for (const verb of [["list"], ["status"], ["status", "ƒ2"], ["wait", "ƒ2"]]) {
      const argv = ["flux-usernetes", ...verb];
      t.match(await flux.run(argv, { FLUX_URI: "local:///nonexistent" }), { exitCode: 4 });
    }
    // A reader that closes the pipe causes no error message.
    const gone = `{ flux usernetes "$1"; echo "exit $?" >&2; } | true`;
    for (const verb of ["list", "status"])
      t.match(await flux.run(["sh", "-c", gone, "sh", verb]), { stderr: "exit 141\n" });
    const other = await flux.output("flux", "submit", "true");
    t.match(await usernetes("wait", other), { exitCode: 1, stderr: /did not ask/ });
    t.match((await usernetes("status", other)).stdout, `${other}: it did not ask for a cluster\n`);
    t.match(await usernetes("wait", "--timeout", "soon", other), { exitCode: 2 });
    t.match(await usernetes("status", "--watch"), { exitCode: 2 });
    for (const verb of ["status", "wait"]) {
      t.match(await usernetes(verb, "12345"), { exitCode: 1, stderr: /there is no job/ });
      t.match(await usernetes(verb, "instance"), { exitCode: 1, stderr: /whole instance/ });
    }
  });

  await t.test("every wait ends without a daemon", async (t) => {
    await flux.stopDaemon();
    // The other job takes all nodes. If the job got nodes, the shell plugin would end it.
    const other = await flux.output("flux", "submit", "-N4", "sleep", "300");
    const job = await flux.submit("-N1", "true");
    t.match(await usernetes("wait", job), { exitCode: 5, stderr: /no daemon runs/ });
    await flux.flux("cancel", job, other);
  });
});
