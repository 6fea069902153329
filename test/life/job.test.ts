/** Jobs that have a cluster from their start to their end. */
import { join } from "node:path";
import { decodeIdset, encodeIdset } from "../../lib/flux/idset.js";
import { life } from "./life.js";
import { loggedRanks } from "./logged-ranks.js";

life(async (t, flux) => {
  await flux.startDaemon();
  const workdirOf = (record: { context?: Record<string, unknown> }[]) =>
    String(record[0]?.context?.["workdir"]);

  await t.test("a job on four nodes starts with its cluster", async (t) => {
    const script = flux.script(`
echo "task $FLUX_TASK_RANK $KUBECONFIG $USERNETES_WORKDIR"
test $FLUX_TASK_RANK = 0 || { test ! -e "$KUBECONFIG" && echo "no kubeconfig here"; exit; }
echo "mode $(stat -c %a "$KUBECONFIG" "$USERNETES_WORKDIR" | tr '\\n' ' ')"
kubectl get nodes
usernetes attr kubeconfig workdir
(unset USERNETES_WORKDIR KUBECONFIG; usernetes env kubeconfig)`);
    const args = ["run", "-N4", "--setattr=attributes.user.usernetes=yes", script];
    const { stdout, exitCode, stderr } = await flux.flux(...args);
    t.equal(exitCode, 0, stderr);
    const [job = ""] = (await flux.output("flux", "jobs", "-a", "-n", "-o", "{id.f58}")).split(
      "\n",
    );
    const workdir = join(flux.place.base, `usernetes-${job.toLowerCase()}`);
    for (const rank of [0, 1, 2, 3])
      t.match(stdout, new RegExp(`task ${rank} ${workdir.replace("node0", ".*")}/kubeconfig`));
    t.equal(stdout.match(/no kubeconfig here/g)?.length, 3, "the kubeconfig is on the lead only");
    t.match(stdout, "mode 600 700");
    t.equal(stdout.match(/u7s-node[0-3] +Ready/g)?.length, 4, stdout);
    t.match(stdout, `\n${workdir}/kubeconfig\n${workdir}\n`);
    t.match(stdout, `export KUBECONFIG=${workdir}/kubeconfig\n`);
    await flux.waitForEnd(job);
    t.same(await flux.leftovers(), []);

    t.test("the record has each step once, and ends with down", async (t) => {
      const record = await flux.record(job);
      // A step of many ranks may have several entries, which together name each rank once.
      const reported = record
        .filter(({ name }) => !name.startsWith("step-"))
        .map(({ name }) => name);
      const finished = record.filter(({ name }) => name === "step-finish");
      for (const step of new Set(finished.map(({ context }) => String(context?.["step"])))) {
        const of = finished.filter(({ context }) => context?.["step"] === step);
        const ranks = of.flatMap(({ context }) => decodeIdset(String(context?.["ranks"])));
        t.equal(new Set(ranks).size, ranks.length, `${step}: no rank twice`);
        const statuses = new Set(of.map(({ context }) => String(context?.["status"])));
        reported.push(`${step} ${encodeIdset(ranks)} ${[...statuses].join()}`);
      }
      t.same(reported.toSorted(), [
        "claim",
        "delete-token 0 ok",
        "down",
        "down-v 0-3 ok",
        "fetch-join 1-3 ok",
        "install-flannel 0 ok",
        "join-command 0 ok",
        "kubeadm-init 0 ok",
        "kubeadm-join 1-3 ok",
        "kubeconfig 0 ok",
        "publish-join 0 ok",
        "remove-archive 0 ok",
        "settle",
        "stage 0-3 ok",
        "sync-external-ip 0 ok",
        "teardown-start",
        "up 0-3 ok",
        "wait-nodes 0 ok",
        "wait-ready 0 ok",
      ]);
      t.match(record.at(-1), { name: "down", context: { left: { length: 0 } } });
      t.equal(workdirOf(record).split("/").at(-1), `usernetes-${job.toLowerCase()}`);
    });

    t.test("the template's targets run in the designed order", (t) => {
      const started = flux.startedSteps();
      const last = (target: string) => started.findLastIndex((line) => line.endsWith(` ${target}`));
      const first = (target: string) => started.findIndex((line) => line.endsWith(` ${target}`));
      const order = ["kubeadm-init", "join-command", "kubeadm-join"];
      for (const [i, target] of order.slice(1).entries())
        t.ok(first(target) > last(order[i] ?? ""), `${target} after ${order[i] ?? ""}`);
      t.ok(first("kubeconfig") > last("join-command"), "nobody waits for the kubeconfig");
      t.ok(first("sync-external-ip") > last("kubeadm-join"), "sync when all have joined");
      t.ok(first("install-flannel") > last("sync-external-ip"), "flannel after the addresses");
      t.end();
    });

    t.test("flux dmesg has the end of each step on each rank", async (t) => {
      const log = await flux.output("flux", "dmesg");
      for (const step of ["stage", "up", "down-v"])
        t.strictSame(loggedRanks(log, `${job}: ${step}`, "ok"), [0, 1, 2, 3], log);
      const story = [
        ...["kept from starting until its cluster is ready", "claim: "],
        "stage, up: begins on node[0-3] (rank 0-3)",
        ...["settle: ready", "the job has started", "teardown: ", "down: nothing is left"],
      ].map((words) => log.indexOf(`${job}: ${words}`));
      const ordered = [...story].sort((a, b) => a - b);
      t.strictSame(story, ordered, log);
      t.ok(story.every((at) => at >= 0));
      t.match(log, new RegExp(`usernetes.*${job}: kubeadm-init: node0 \\(rank 0\\): ok in`));
      t.notMatch(log, /[a-z0-9]{6}\.[a-z0-9]{16}|sha256:/, "and no token");
    });
  });

  await t.test("flux jobs shows the state while it changes", async (t) => {
    flux.takes("kubeadm-init", "held");
    const job = await flux.submit("-N2", "sleep", "300");
    const state = () =>
      flux.output("flux", "jobs", "-n", "-o", "{annotations.user.usernetes.state}", job);
    await flux.waitFor(job, "memo");
    t.equal(await state(), "starting");
    flux.takes("kubeadm-init", 0.1);
    await flux.waitFor(job, "start");
    t.equal(await state(), "ready");
    await flux.output("flux", "cancel", job);
    await flux.waitForEnd(job);
  });

  await t.test("a batch job and its own jobs see the same cluster", async (t) => {
    const script = flux.script(`
echo "batch $(flux getattr jobid) [\${FLUX_JOB_ID:-}] $KUBECONFIG"
flux run -N2 sh -c 'echo "inside $KUBECONFIG $(usernetes attr kubeconfig)"'
unset KUBECONFIG USERNETES_WORKDIR
echo "by parent $(usernetes attr kubeconfig)"
flux run -N1 sh -c 'echo "by grandparent $(usernetes attr kubeconfig)"'`);
    const out = join(flux.place.common, "batch.out");
    const args = [
      "batch",
      "-N2",
      "--setattr=attributes.user.usernetes=yes",
      `--output=${out}`,
      script,
    ];
    const job = await flux.output("flux", ...args);
    await flux.waitForEnd(job);
    const text = await flux.output("cat", out);
    const kubeconfig = join(flux.place.base, `usernetes-${job.toLowerCase()}`, "kubeconfig");
    t.match(text, `batch ${job} [] ${kubeconfig}\n`);
    t.match(text, `inside ${kubeconfig} ${kubeconfig}\n`);
    t.match(text, `by parent ${kubeconfig}\n`);
    t.match(text, `by grandparent ${kubeconfig}`);
    t.same(await flux.leftovers(), []);
  });

  await t.test("a job without the attribute has no cluster", async (t) => {
    const starts = flux.startedSteps().length;
    for (const attribute of [[], ["--setattr=attributes.user.usernetes=no"]]) {
      const job = await flux.output("flux", "submit", "-N2", ...attribute, "true");
      await flux.waitForEnd(job);
      const events = await flux.events(job);
      t.notOk(
        events.some((event) => /prolog|epilog|memo/.test(event.name)),
        "no hold, no memo",
      );
      t.same(await flux.record(job), []);
    }
    t.equal(flux.startedSteps().length, starts, "no step ran");
  });

  await t.test("ten jobs at once have their own clusters, which are all removed", async (t) => {
    const before = (await flux.output("flux", "jobs", "-a", "-n", "-o", "{id.f58}")).split("\n");
    const echo = ["sh", "-c", "echo $KUBECONFIG; kubectl get nodes"];
    await Promise.all(
      [1, 1, 1, 1, 1, 2, 2, 2, 2, 2].map((n) => flux.submit(`-N${n}`, `-n${n}`, ...echo)),
    );
    const now = (await flux.output("flux", "jobs", "-a", "-n", "-o", "{id.f58}")).split("\n");
    const jobs = now.filter((job) => !before.includes(job));
    t.equal(jobs.length, 10);
    const workdirs = new Set<string>();
    for (const job of jobs) {
      await flux.waitForEnd(job);
      const record = await flux.record(job);
      workdirs.add(workdirOf(record));
      t.match(
        record.find((entry) => entry.name === "settle"),
        { context: { outcome: "ready" } },
      );
      t.match(record.at(-1), { name: "down", context: { left: { length: 0 } } });
      const { stdout } = await flux.flux("job", "attach", job);
      t.match(stdout, /Ready/);
    }
    t.equal(workdirs.size, 10);
    t.same(await flux.leftovers(), []);
  });

  await t.test("SIGTERM ends the daemon with 0", async (t) => {
    t.equal(await flux.stopDaemon(), 0);
  });
}, 'ready = "dns"\n');
