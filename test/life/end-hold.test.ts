/** A job's own shell keeps its nodes until its cluster is gone. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Entry, LifeFlux } from "./flux.js";
import { until } from "../hosts/until.js";
import { life, type Tap } from "./life.js";

/** The memo with which a job's shell reports that the tasks are done. */
const DONE = 'usernetes={"tasks":"done"}';

/** The embedded Flux has no flux-alloc(1). */
const noAllocations = ({ kind }: LifeFlux): string | false =>
  kind === "real" ? false : "the embedded Flux has no flux-alloc";

life(async (t, flux) => {
  await flux.startDaemon();
  const at = (entries: Entry[], name: string) =>
    entries.find((entry) => entry.name === name)?.timestamp ?? NaN;
  const tasksDone = (job: string) =>
    flux.output("flux", "job", "wait-event", "-t", "40s", "-m", DONE, job, "memo");

  /** Checks that the job has its tasks' status and kept its nodes until the teardown was over. */
  const kept = async (t: Tap, job: string, status: number) => {
    await flux.waitForEnd(job);
    const events = await flux.events(job);
    const record = await flux.record(job);
    t.match(record.at(-1), { name: "down", context: { left: { length: 0 } } });
    t.ok(at(record, "down") < at(events, "finish"), "down comes before finish");
    t.equal(events.find(({ name }) => name === "finish")?.context?.["status"], status << 8);
    return { events, record };
  };

  await t.test(
    "a job on one node keeps it until the teardown, and so does one that fails on three",
    async (t) => {
      flux.takes("down-v", 1);
      const one = await flux.submit("-N1", "true");
      const three = await flux.submit("-N3", "sh", "-c", "exit $FLUX_TASK_RANK");
      await kept(t as unknown as Tap, one, 0);
      await kept(t as unknown as Tap, three, 2);
    },
  );

  await t.test(
    "flux jobs shows the job as running during the teardown, and counts that time",
    async (t) => {
      flux.takes("down-v", 4);
      const job = await flux.submit("-N1", "true");
      await tasksDone(job);
      const shown = (format: string) => flux.output("flux", "jobs", "-a", "-n", "-o", format, job);
      t.equal(await shown("{status_abbrev}"), "R");
      await kept(t as unknown as Tap, job, 0);
      t.equal(await shown("{status_abbrev}"), "CD");
      t.ok(Number(await shown("{runtime}")) > 4);
    },
  );

  await t.test("tasks on other nodes have their cluster until the last one ends", async (t) => {
    const script = flux.script(
      "test $FLUX_TASK_RANK = 0 || sleep 3; kubectl get nodes >/dev/null || test $FLUX_TASK_RANK != 0",
    );
    const job = await flux.submit("-N2", script);
    const { events, record } = await kept(t as unknown as Tap, job, 0);
    t.ok(at(record, "teardown-start") - at(events, "start") > 2.5, "the lead's task ended at once");
  });

  await t.test("a cancel ends the wait", async (t) => {
    flux.takes("down-v", 6);
    const job = await flux.submit("-N2", "true");
    await tasksDone(job);
    await flux.waitForStep(job, "down-v");
    await flux.flux("cancel", job);
    await flux.waitForEnd(job);
    const [events, record] = [await flux.events(job), await flux.record(job)];
    const ended = at(events, "finish") - at(events, "exception");
    t.ok(ended < 5, `it ended ${ended} s after the cancel`);
    t.ok(at(record, "down") < at(events, "free"), "and an epilog kept its nodes");
    t.same(await flux.leftovers(), []);
  });

  await t.test("a time limit does not run out during the teardown", async (t) => {
    flux.takes("down-v", 6);
    const job = await flux.submit("-N1", "-t", "8s", "sleep", "4");
    const { events } = await kept(t as unknown as Tap, job, 0);
    t.notOk(
      events.some(({ name, context }) => name === "exception" && context?.["severity"] === 0),
    );
  });

  await t.test("the shell waits for a killed daemon to return", async (t) => {
    flux.takes("down-v", 3);
    const job = await flux.submit("-N1", "true");
    await tasksDone(job);
    await flux.waitForStep(job, "down-v");
    await flux.stopDaemon("SIGKILL");
    await sleep(3000);
    t.notOk(at(await flux.events(job), "finish") > 0, "it waits");
    await flux.startDaemon();
    await kept(t as unknown as Tap, job, 0);
    t.same(await flux.leftovers(), []);
  });

  await t.test("the wait for a daemon that does not return is limited", async (t) => {
    const job = await flux.submit("-N1", "true");
    await tasksDone(job);
    await flux.waitForStep(job, "down-v");
    await flux.stopDaemon("SIGKILL");
    await flux.waitFor(job, "finish", "60s");
    await flux.startDaemon();
    await flux.waitForEnd(job);
    t.same(await flux.leftovers(), [], "the next daemon takes it down");
  });

  await t.test("a batch job keeps its nodes, and its own jobs use its cluster", async (t) => {
    flux.takes("down-v", 1);
    const script = flux.script("flux run --setattr=attributes.user.usernetes=yes -N2 true; exit 3");
    const asks = "--setattr=attributes.user.usernetes=yes";
    const job = await flux.output("flux", "batch", "-N2", asks, "--wrap", script);
    await kept(t as unknown as Tap, job, 3);
  });

  /** Checks that this exception ended the job, and that an epilog kept its nodes until `down`. */
  const endedBy = async (t: Tap, job: string, type: string) => {
    await flux.waitForEnd(job);
    const [events, record] = [await flux.events(job), await flux.record(job)];
    t.match(record.at(-1), { name: "down", context: { left: { length: 0 } } });
    const fatal = events.find(
      ({ name, context }) => name === "exception" && context?.["severity"] === 0,
    );
    t.equal(fatal?.context?.["type"], type);
    t.ok(at(record, "down") < at(events, "free"), "its nodes are kept by an epilog");
  };

  await t.test("a batch job that is canceled or times out has an epilog", async (t) => {
    const script = flux.script("sleep 300");
    for (const [end, options] of [
      ["cancel", []],
      ["timeout", ["-t", "4s"]],
    ] as const) {
      const asks = "--setattr=attributes.user.usernetes=yes";
      const job = await flux.output("flux", "batch", "-N2", asks, ...options, script);
      await flux.waitFor(job, "start");
      if (end === "cancel") await flux.output("flux", "cancel", job);
      await endedBy(t as unknown as Tap, job, end);
    }
  });

  await t.test(
    "an allocation keeps its nodes until the teardown",
    { skip: noAllocations(flux) },
    async (t) => {
      flux.takes("down-v", 3);
      const alloc = ["flux", "alloc", "-N2", "--setattr=attributes.user.usernetes=yes"];

      await t.test("an allocation keeps its nodes after its shell exits", async (t) => {
        const shell = [...alloc, "sh", "-c", "'flux getattr jobid; kubectl get nodes; exit 3'"];
        // On a terminal, flux-alloc(1) exits with 1, whatever the status of its shell is.
        for (const terminal of [true, false]) {
          const without = ["sh", "-c", shell.join(" ")];
          const ended = await flux.run(
            terminal ? ["script", "-qec", shell.join(" "), "/dev/null"] : without,
          );
          t.match(ended, { exitCode: terminal ? 1 : 3, stdout: /u7s-node1 +Ready/ });
          const [job = ""] = /ƒ[A-Za-z0-9]+/.exec(ended.stdout) ?? [];
          await kept(t as unknown as Tap, job, 3);
        }
      });

      for (const end of ["cancel", "timeout"])
        await t.test(`an allocation keeps its nodes after a ${end}`, async (t) => {
          const options = end === "timeout" ? ["-t", "4s"] : [];
          const ended = flux.run([...alloc, ...options, "sleep", "300"]);
          let job = "";
          await until("it is there", async () => {
            job = await flux.output("flux", "jobs", "-n", "-o", "{id.f58}");
            return job !== "";
          });
          await flux.waitFor(job, "start");
          if (end === "cancel") await flux.output("flux", "cancel", job);
          await endedBy(t as unknown as Tap, job, end);
          t.not((await ended).exitCode, 0);
        });
      t.same(await flux.leftovers(), []);
    },
  );

  await t.test("a job on nodes with a running teardown waits", async (t) => {
    flux.takes("down-v", 5);
    const job = await flux.submit("-N4", "--exclusive", "sleep", "300");
    await flux.waitFor(job, "start");
    // The bridge is delayed, so the daemon posts its epilog too late.
    await flux.behindTheBridge(async () => {
      await flux.flux("cancel", job);
      await flux.waitFor(job, "clean");
    });
    const next = await flux.submit("-N4", "--exclusive", "true");
    await flux.waitForEnd(next);
    const [before, after] = [await flux.record(job), await flux.record(next)];
    t.ok(at(before, "down") < at(after, "claim"), "its claim comes after the other's down");
    t.match(
      await flux.output("flux", "dmesg"),
      `${next}: waiting for the teardown of ${job} on its nodes`,
    );
  });
});
