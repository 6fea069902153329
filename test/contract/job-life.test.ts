/** Tests of the events of jobs without a hold, from submission to the end. */
import { contract } from "./contract.js";
import { eventsUntil, names, output } from "./flux-under-test.js";

const NORMAL = [
  ..."submit validate depend priority alloc start finish release free clean".split(" "),
];

contract((t, flux) => {
  t.test("a job runs to its end", async (t) => {
    const job = await output(flux, "submit", "-N2", "hostname");
    const attached = await flux.run(["job", "attach", job]);
    t.equal(attached.exitCode, 0);
    t.same(attached.stdout.trim().split("\n").sort(), ["node0", "node1"]);
    const log = await eventsUntil(flux, job, "clean");
    t.same(names(log), NORMAL);
    t.match(log[0]?.context, { userid: process.getuid?.(), urgency: 16, flags: 0, version: 1 });
    t.same(log[4]?.context, {
      annotations: { sched: { resource_summary: "rank[0-1]/core[0-1]" } },
    });
    t.same(log[6]?.context, { status: 0 });
    t.same(log[7]?.context, { ranks: "all", final: true });
    const R = JSON.parse(await output(flux, "job", "info", job, "R")) as {
      execution: Record<string, unknown>;
    };
    t.same(R.execution["R_lite"], [{ rank: "0-1", children: { core: "0-1" } }]);
    t.same(R.execution["nodelist"], ["node[0-1]"]);
    t.equal(R.execution["expiration"], 0);
    t.equal(await output(flux, "hostlist", job), "node[0-1]");
    const fields = "{id.f58} {state} {status} {ranks} {nodelist} {nnodes} {returncode}";
    t.equal(
      await output(flux, "jobs", "-a", "-no", fields, job),
      `${job} INACTIVE COMPLETED [0-1] node[0-1] 2 0`,
    );
  });

  t.test("a task that ends early ends the others after exit-timeout", async (t) => {
    const set = "--setattr=system.shell.options.exit-timeout=";
    const script = "test $FLUX_TASK_RANK = 1 || sleep 3";
    const { exitCode, stderr } = await flux.run(["run", "-N2", `${set}1s`, "sh", "-c", script]);
    t.not(exitCode, 0);
    const note = "task rank 1 on host node1 exited (Exit 0) and exit-timeout=1s has expired";
    t.match(stderr, `type=exec severity=0 sh: ${note}`);
    const without = await flux.run(["run", "-N2", `${set}none`, "sh", "-c", script]);
    t.match(without, { exitCode: 0, stderr: "" });
  });

  t.test("tasks know their rank and size", async (t) => {
    const script =
      'echo "$FLUX_TASK_RANK $FLUX_JOB_SIZE $FLUX_JOB_NNODES $(hostname) $FLUX_JOB_ID"';
    const { stdout } = await flux.run(["run", "-N2", "-n4", "sh", "-c", script]);
    const lines = stdout.trim().split("\n").sort();
    t.match(lines, [/^0 4 2 node0 ƒ/, /^1 4 2 node0 ƒ/, /^2 4 2 node1 ƒ/, /^3 4 2 node1 ƒ/]);
  });

  t.test("jobs that share nodes are spread over them", async (t) => {
    const jobs: string[] = [];
    for (let i = 0; i < 5; i++) jobs.push(await output(flux, "submit", "-n1", "sleep", "60"));
    for (const job of jobs) await output(flux, "job", "wait-event", "-t", "10", job, "start");
    const ranks = await output(flux, "jobs", "-no", "{ranks}", ...jobs);
    t.equal(ranks, "0\n1\n2\n3\n0");
    await output(flux, "cancel", ...jobs);
    for (const job of jobs) await eventsUntil(flux, job, "clean");
  });

  t.test("the largest status of its tasks is a job's status", async (t) => {
    t.match(await flux.run(["run", "-N2", "sh", "-c", "exit $((FLUX_TASK_RANK + 3))"]), {
      exitCode: 4,
      stderr: "flux-job: task(s) exited with exit code 4\n",
    });
    t.match(await flux.run(["run", "sh", "-c", "kill -9 $$"]), {
      exitCode: 137,
      stderr: "flux-job: task(s) Killed\n",
    });
    t.equal((await flux.run(["submit", "--wait", "sh", "-c", "exit 4"])).exitCode, 4);
  });

  t.test("a missing command is a fatal exception", async (t) => {
    const { exitCode, stderr } = await flux.run(["run", "nosuchcommand"]);
    t.equal(exitCode, 127);
    t.match(
      stderr,
      /type=exec severity=0 task 0 \(host node0\): start failed: nosuchcommand: No such/,
    );
  });

  t.test("a waiting job can be canceled", async (t) => {
    const job = await output(flux, "submit", "--urgency=hold", "true");
    await output(flux, "job", "wait-event", "-t", "10", job, "priority");
    await output(flux, "cancel", job);
    const log = await eventsUntil(flux, job, "clean");
    t.same(names(log).slice(-2), ["exception", "clean"]);
    t.match(log.at(-2)?.context, { type: "cancel", severity: 0, note: "" });
    t.equal((await flux.run(["job", "attach", job])).exitCode, 1);
    t.equal(await output(flux, "jobs", "-no", "{status}", job), "CANCELED");
  });

  t.test("a running job can be canceled", async (t) => {
    const job = await output(flux, "submit", "-N1", "sleep", "60");
    // Signals reach the task itself only after its shell has started.
    await output(flux, "job", "wait-event", "-t", "10", job, "start");
    await output(flux, "cancel", job);
    const log = await eventsUntil(flux, job, "clean");
    t.same(names(log).slice(5), ["start", "exception", "finish", "release", "free", "clean"]);
  });

  t.test("a time limit ends a job", async (t) => {
    const job = await output(flux, "submit", "-N1", "-t", "0.5s", "sleep", "60");
    const log = await eventsUntil(flux, job, "clean");
    t.same(names(log).slice(5), ["start", "exception", "finish", "release", "free", "clean"]);
    t.match(log[6]?.context, {
      type: "timeout",
      severity: 0,
      note: "resource allocation expired",
    });
    t.equal(log[7]?.context?.["status"], 142 << 8);
    t.equal(await output(flux, "jobs", "-no", "{status}", job), "TIMEOUT");
  });

  t.test("a job that can never run is refused by the scheduler", async (t) => {
    const note = "unsatisfiable request: need 99 exclusive node(s), only 4 eligible";
    const job = await output(flux, "submit", "-N99", "true");
    const log = await eventsUntil(flux, job, "clean");
    t.same(names(log), ["submit", "validate", "depend", "priority", "exception", "clean"]);
    t.match(log[4]?.context, { type: "alloc", severity: 0, note });
    t.match(await flux.run(["job", "attach", job]), { exitCode: 1 });
    t.match(await flux.run(["job", "wait-event", job, "start"]), {
      exitCode: 1,
      stderr: "flux-job: event 'start' never received\n",
    });
  });

  t.test("a job that needs more cores than a node has is refused", async (t) => {
    const note = "unsatisfiable request: need 2 node(s) with 4096 cores each, only 0 eligible";
    const job = await output(flux, "submit", "-N2", "-n8192", "true");
    const exception = (await eventsUntil(flux, job, "clean")).find((it) => it.name === "exception");
    t.match(exception?.context, { type: "alloc", severity: 0, note });
  });

  t.test("memos and exceptions reach a running job, and no other", async (t) => {
    const job = await output(flux, "submit", "-N1", "sleep", "60");
    await output(flux, "job", "wait-event", "-t", "10", job, "start");
    await output(flux, "job", "memo", job, "usernetes.state=ready", "usernetes.n=1");
    const state = "{annotations.user.usernetes.state}";
    const shown = await output(flux, "jobs", "-no", `{id.f58} ${state}`, job);
    t.equal(shown, `${job} ready`);
    await output(flux, "job", "raise", "--severity=4", "--type=note", "-m", "a warning", job);
    t.equal((await eventsUntil(flux, job, "exception")).at(-1)?.name, "exception");
    await output(flux, "job", "raise", "--severity=0", "--type=usernetes", "-m", "up failed", job);
    const log = await eventsUntil(flux, job, "clean");
    const last = ["memo", "exception", "exception", "finish", "release", "free", "clean"];
    t.same(names(log).slice(6), last);
    t.same(log[6]?.context, { usernetes: { state: "ready", n: 1 } });
    t.match(log[7]?.context, { type: "note", severity: 4, note: "a warning" });
    t.match(log[8]?.context, { type: "usernetes", severity: 0, note: "up failed" });
    t.match(await flux.run(["job", "memo", job, "usernetes.state=late"]), {
      exitCode: 1,
      stderr: "flux-job: memo: job is inactive\n",
    });
    t.match(await flux.run(["job", "raise", "--type=x", job]), {
      exitCode: 1,
      stderr: `flux-job: raise ${job}: job is inactive\n`,
    });
    t.match(await flux.run(["post-job-event", job, "prolog-start", "description=usernetes"]), {
      exitCode: 1,
      stderr: `flux-job-post-event: ERROR: No such job ${job}\n`,
    });
  });

  t.test("a running job gets more time", async (t) => {
    const job = await output(flux, "submit", "-N1", "-t", "1m", "sleep", "60");
    await output(flux, "job", "wait-event", "-t", "10", job, "start");
    await output(flux, "update", job, "duration=+30s");
    const log = await eventsUntil(flux, job, "resource-update");
    t.same(log[6]?.context, { "attributes.system.duration": 90 });
    t.equal(await output(flux, "jobs", "-no", "{duration}", job), "90.0");
    await output(flux, "cancel", job);
    await eventsUntil(flux, job, "clean");
  });

  t.test("an eventlog is followed to the end of the job", async (t) => {
    const job = await output(flux, "submit", "-N1", "sleep", "0.2");
    const { stdout, exitCode } = await flux.run([
      "job",
      "eventlog",
      "--follow",
      "--format=json",
      job,
    ]);
    t.equal(exitCode, 0);
    const seen = stdout.trim().split("\n");
    t.same(
      seen.map((line) => (JSON.parse(line) as { name: string }).name),
      NORMAL,
    );
  });

  t.test("a missing job is reported", async (t) => {
    t.match(await flux.run(["job", "memo", "f123456789", "a=1"]), {
      exitCode: 1,
      stderr: "flux-job: memo: unknown job id\n",
    });
    t.match(await flux.run(["job", "eventlog", "f123456789"]), {
      exitCode: 1,
      stderr: "flux-job: job f123456789 not found\n",
    });
    t.match(await flux.run(["job", "info", "nonsense", "R"]), {
      exitCode: 1,
      stderr: 'flux-job: error parsing jobid: "nonsense"\n',
    });
    t.match(await flux.run(["jobs", "f1234"]), { exitCode: 1, stderr: "JobID f1234 unknown\n" });
  });
  t.end();
});
