/** All ends of a job (success, failure, cancel, time limit), in each state of its cluster. */
import { mkdtempSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { until } from "../hosts/until.js";
import { life, type Tap } from "./life.js";
import type { Entry } from "./flux.js";

const LONG = ["sleep", "300"];

life(async (t, flux) => {
  await flux.startDaemon();

  const named = (entries: Entry[], name: string) => entries.filter((entry) => entry.name === name);
  const ours = (entries: Entry[], name: string) =>
    named(entries, name).filter((entry) => entry.context?.["description"] === "usernetes");

  /**
   * Checks what is true after every end: each hold is released once, no leftovers remain, and the
   * record is closed.
   */
  const gone = async (t: Tap, job: string) => {
    await flux.waitForEnd(job);
    const events = await flux.events(job);
    for (const log of ["prolog", "epilog"])
      t.equal(
        ours(events, `${log}-finish`).length,
        ours(events, `${log}-start`).length,
        `each ${log} is finished once`,
      );
    t.same(await flux.leftovers(), [], "there are no leftovers");
    const record = await flux.record(job);
    if (record.length > 0)
      t.match(record.at(-1), { name: "down", context: { left: { length: 0 } } });
    return { events, record };
  };

  await t.test("a failed job is torn down", async (t) => {
    const job = await flux.submit("-N2", "false");
    const { events, record } = await gone(t as unknown as Tap, job);
    t.match(named(events, "finish"), [{ context: { status: 256 } }]);
    t.match(named(record, "teardown-start"), [{ context: { reason: "finish" } }]);
  });

  await t.test("a job that is canceled while its cluster starts never starts", async (t) => {
    flux.takes("kubeadm-init", 30);
    const job = await flux.submit("-N2", ...LONG);
    await flux.waitForStep(job, "kubeadm-init");
    await flux.flux("cancel", job);
    const { events, record } = await gone(t as unknown as Tap, job);
    flux.takes("kubeadm-init", 0.1);
    t.equal(named(events, "start").length, 0, "it never starts");
    t.match(named(record, "settle"), [{ context: { outcome: "canceled" } }]);
    t.match(
      // A worker may still run its `up`, whose result is then lost, too.
      named(record, "step-finish").filter(
        ({ context }) => context?.["status"] === "lost" && context["step"] !== "up",
      ),
      [{ context: { step: "kubeadm-init", note: "stopped" } }],
    );
    const order = events.map((entry) => entry.name);
    t.ok(
      order.indexOf("epilog-start") < order.indexOf("prolog-finish"),
      "the epilog takes over before the prolog ends",
    );
  });

  await t.test("a job that is canceled while it runs is torn down", async (t) => {
    const job = await flux.submit("-N2", ...LONG);
    await flux.waitFor(job, "start");
    await flux.flux("cancel", job);
    const { record } = await gone(t as unknown as Tap, job);
    t.match(named(record, "settle"), [{ context: { outcome: "ready" } }]);
    t.match(named(record, "teardown-start"), [{ context: { reason: "cancel" } }]);
  });

  await t.test("the time of the bring-up does not count against the time limit", async (t) => {
    flux.takes("kubeadm-init", 2);
    const job = await flux.submit("-N1", "-t", "2s", ...LONG);
    const { events } = await gone(t as unknown as Tap, job);
    flux.takes("kubeadm-init", 0.1);
    const at = (name: string) => named(events, name)[0]?.timestamp ?? 0;
    t.match(
      named(events, "exception").filter((entry) => entry.context?.["severity"] === 0),
      [{ context: { type: "timeout" } }],
    );
    t.ok(at("start") - at("alloc") > 2, "it was held for longer than its limit");
    const ran = at("finish") - at("start");
    t.ok(ran > 1.8, `it ran for ${ran} s of its 2 s`);
    // The daemon ends the job here. Flux itself would end it two seconds later.
    const ended = named(events, "exception").at(-1)?.timestamp ?? 0;
    t.ok(ended - at("start") < 3.8, `its time limit was over after ${ended - at("start")} s`);
  });

  await t.test("a fatal exception that a user raises ends the job", async (t) => {
    const job = await flux.submit("-N2", ...LONG);
    await flux.waitFor(job, "start");
    await flux.flux("job", "raise", "--severity=0", "--type=mine", "-m", "that is enough", job);
    const { record } = await gone(t as unknown as Tap, job);
    t.match(named(record, "teardown-start"), [{ context: { reason: "mine: that is enough" } }]);
  });

  await t.test("an exception that is not fatal changes nothing", async (t) => {
    const job = await flux.submit("-N1", "sleep", "1");
    await flux.waitFor(job, "start");
    await flux.flux("job", "raise", "--severity=3", "--type=mine", "-m", "mind this", job);
    const { events } = await gone(t as unknown as Tap, job);
    t.match(named(events, "finish"), [{ context: { status: 0 } }]);
  });

  await t.test("a job that is canceled before it gets resources claims nothing", async (t) => {
    const other = await flux.output("flux", "submit", "-N4", "--exclusive", ...LONG);
    await flux.waitFor(other, "start");
    const job = await flux.submit("-N4", ...LONG);
    await flux.waitFor(job, "priority");
    await flux.flux("cancel", job);
    const { events, record } = await gone(t as unknown as Tap, job);
    t.equal(named(events, "alloc").length, 0);
    t.same(record, [], "nothing was ever claimed");
    await flux.flux("cancel", other);
    await flux.waitFor(other, "clean");
  });

  await t.test("a step that fails permanently is named in the exception", async (t) => {
    flux.fault("node1.up", "exit 4");
    const job = await flux.submit("-N2", "true");
    const { events, record } = await gone(t as unknown as Tap, job);
    flux.fault("node1.up", undefined);
    const fatal = named(events, "exception").filter((entry) => entry.context?.["severity"] === 0);
    t.match(fatal, [{ context: { type: "usernetes" } }]);
    t.match(
      fatal[0]?.context?.["note"],
      /^up failed on node1 \(rank 1\) \(2 tries\): exit \d: injected fault in up on node1$/,
    );
    t.equal(named(events, "start").length, 0);
    t.match(named(record, "settle"), [{ context: { outcome: "failed" } }]);
  });

  await t.test("a step that fails once is tried again", async (t) => {
    flux.fault("node1.kubeadm-join", "exit 4 once");
    const job = await flux.submit("-N2", "true");
    const { record } = await gone(t as unknown as Tap, job);
    t.match(named(record, "settle"), [{ context: { outcome: "ready" } }]);
    const joins = named(record, "step-finish").filter(
      (entry) => entry.context?.["step"] === "kubeadm-join",
    );
    t.match(joins, [
      { context: { attempt: 1, status: "failed" } },
      { context: { attempt: 2, status: "ok" } },
    ]);
  });

  await t.test("an archive that disappears is made again", async (t) => {
    await flux.stopDaemon();
    // The first archive is never made, as if a process of a killed daemon had removed it.
    const lost = flux.script(
      `[ "$1 $2" != "archive create" ] || ! mkdir "$0.lost" 2>/dev/null || exit 0\nPATH=\${PATH#*:} exec flux "$@"`,
    );
    const bin = mkdtempSync(join(flux.place.common, "bin-"));
    symlinkSync(lost, join(bin, "flux"));
    flux.daemonEnv = { PATH: `${bin}:${flux.place.env["PATH"] ?? ""}` };
    await flux.startDaemon();
    const job = await flux.submit("-N2", "true");
    const { record } = await gone(t as unknown as Tap, job);
    t.match(named(record, "settle"), [{ context: { outcome: "ready" } }]);
    const ends = named(record, "step-finish").map(({ context = {} }) => context);
    t.match(
      ends.filter(({ step }) => step === "fetch-join"),
      [
        { attempt: 1, status: "failed", note: /archive/ },
        { attempt: 2, status: "ok" },
      ],
    );
    t.equal(ends.filter(({ step }) => step === "publish-join").length, 2);
    await flux.stopDaemon();
    flux.daemonEnv = {};
    await flux.startDaemon();
  });

  await t.test("a debug job is held until it is released, and its cluster is kept", async (t) => {
    const job = await flux.submit("-N2", "--setattr=attributes.user.usernetes_debug=yes", "true");
    await flux.waitForRecord(job, "settle");
    const shown = async () =>
      flux.output("flux", "jobs", "-n", "-o", "{annotations.user.usernetes.state}", job);
    await until("shown as held", async () => (await shown()) === "held");
    t.equal(named(await flux.events(job), "start").length, 0, "it is not started");
    const release = await flux.run(["flux-usernetes", "release", job]);
    t.match(release, { exitCode: 0, stdout: `${job}: released\n` });
    await flux.waitForEnd(job);
    t.match((await flux.record(job)).at(-1), {
      name: "down",
      context: { left: [0, 1], kept: true },
    });
    t.not((await flux.leftovers()).length, 0, "its cluster is there to be looked at");
    t.match(
      await flux.output("flux", "dmesg"),
      `${job}: kept for debugging on ranks 0-1; flux usernetes clean ${job}`,
    );
    await flux.stopDaemon();
    await flux.startDaemon();
    t.not((await flux.leftovers()).length, 0, "and another daemon leaves it");
    const cleaned = await flux.run(["flux-usernetes", "clean", job]);
    t.match(cleaned, { exitCode: 0, stdout: `${job}: nothing is left\n` });
    const { events } = await gone(t as unknown as Tap, job);
    t.match(named(events, "finish"), [{ context: { status: 0 } }]);
  });

  await t.test("a debug job whose cluster failed is held, and its cluster is kept", async (t) => {
    flux.fault("node1.kubeadm-join", "exit 4");
    const job = await flux.submit("-N2", "--setattr=attributes.user.usernetes_debug=yes", "true");
    await flux.waitForRecord(job, "settle");
    flux.fault("node1.kubeadm-join", undefined);
    t.equal(named(await flux.events(job), "exception").length, 0);
    const early = await flux.run(["flux-usernetes", "clean", job]);
    t.match(early, { exitCode: 1, stderr: /is active: cancel it, or wait until it ends/ });
    await flux.flux("cancel", job);
    await flux.waitForEnd(job);
    t.not((await flux.leftovers()).length, 0);
    t.equal((await flux.run(["flux-usernetes", "clean", "--all"])).exitCode, 0);
    await gone(t as unknown as Tap, job);
  });

  await t.test("release explains why a job is not held", async (t) => {
    const job = await flux.submit("-N1", "sleep", "30");
    await flux.waitFor(job, "start");
    const released = await flux.run(["flux-usernetes", "release", job]);
    t.match(released, {
      exitCode: 1,
      stderr: `flux-usernetes: ${job} is not held: it has started\n`,
    });
    await flux.flux("cancel", job);
    await flux.waitForEnd(job);
    const ended = await flux.run(["flux-usernetes", "release", job]);
    t.match(ended, { exitCode: 1, stderr: `flux-usernetes: ${job} is not held: it has ended\n` });
    const other = await flux.run(["flux-usernetes", "release", "12345"]);
    t.match(other, { exitCode: 1, stderr: "flux-usernetes: there is no job ƒ4fr\n" });
  });

  await t.test(
    "a job that started before it could be held still waits for its cluster",
    async (t) => {
      let job = "";
      await flux.behindTheBridge(async () => {
        job = await flux.submit("-N2", "sh", "-c", "kubectl get nodes");
        await flux.waitFor(job, "start");
      });
      const { events } = await gone(t as unknown as Tap, job);
      const order = events.map((entry) => entry.name);
      t.ok(order.indexOf("start") < order.indexOf("prolog-start"), "the hold came late");
      t.ok(
        order.indexOf("prolog-finish") < order.indexOf("finish"),
        "and was finished while the job ran",
      );
      const { stdout } = await flux.flux("job", "attach", job);
      t.equal(stdout.match(/ Ready /g)?.length, 2, stdout);
    },
  );
});
