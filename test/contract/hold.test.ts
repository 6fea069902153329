/**
 * Tests that prolog and epilog events hold a job before its start and after its end. The whole
 * design depends on this.
 */
import { BridgeUnderTest } from "./bridge-under-test.js";
import { contract } from "./contract.js";
import { events, eventsUntil, names, output, type FluxUnderTest } from "./flux-under-test.js";

const OURS = { description: "usernetes" };

async function submit(
  flux: FluxUnderTest,
  ...args: string[]
): Promise<{ job: string; id: string }> {
  const job = await output(flux, "submit", "--setattr=user.usernetes=yes", ...args);
  return { job, id: await output(flux, "job", "id", "--to=dec", job) };
}

/** Waits long enough for a job without a hold to start. */
const aWhile = () => new Promise((resolve) => setTimeout(resolve, 300));

contract(async (t, flux) => {
  const bridge = await BridgeUnderTest.open(flux);
  const post = (id: string, name: string) => bridge.request("post", { id, name, context: OURS });

  /**
   * Cancels a running job. Its tasks take a moment to exit, so the bridge's epilog-start arrives
   * in time.
   */
  const end = async ({ job, id }: { job: string; id: string }) => {
    await output(flux, "cancel", job);
    await eventsUntil(flux, job, "epilog-start");
    await eventsUntil(flux, job, "release");
    await aWhile();
    t.notOk(names(await events(flux, job)).includes("free"), "the epilog keeps the nodes");
    t.same(await post(id, "epilog-finish"), { value: null });
    return eventsUntil(flux, job, "clean");
  };

  await t.test(
    "a job that asks is held from before its start until its prolog is finished",
    async (t) => {
      const held = await submit(flux, "-N1", "sleep", "60");
      await eventsUntil(flux, held.job, "alloc");
      await aWhile();
      const before = names(await events(flux, held.job));
      t.ok(before.includes("prolog-start"));
      t.notOk(before.includes("start"));
      t.same(await post(held.id, "prolog-finish"), { value: null });
      await eventsUntil(flux, held.job, "start");
      const log = names(await end(held));
      t.ok(log.indexOf("start") > log.indexOf("prolog-finish"));
      t.same(log.slice(-3), ["epilog-finish", "free", "clean"]);
    },
  );

  await t.test("a job gets no epilog if the entry of its cluster has been removed", async (t) => {
    const entry = (id: string) => `usernetes.cluster.${id}`;
    for (const other of [false, true]) {
      const { job, id } = await submit(flux, "-N1", "sleep", "1");
      await eventsUntil(flux, job, "alloc");
      await post(id, "prolog-finish");
      await eventsUntil(flux, job, "start");
      const ops = [["unlink", entry(other ? `${id}0` : id)]];
      t.same(await bridge.request("commit", { ops }), { value: null });
      await eventsUntil(flux, job, "finish");
      await aWhile();
      if (other) await post(id, "epilog-finish");
      const log = names(await eventsUntil(flux, job, "clean"));
      t.equal(log.includes("prolog-finish"), true);
      if (!other) t.notOk(log.includes("epilog-start"));
    }
  });

  await t.test("a job that does not ask is not held", async (t) => {
    const job = await output(flux, "submit", "--setattr=user.usernetes=no", "-N1", "true");
    const log = names(await eventsUntil(flux, job, "clean"));
    t.notOk(log.some((name) => /prolog|epilog/.test(name)));
  });

  await t.test(
    "a canceled job keeps its nodes until its prolog and epilog are finished",
    async (t) => {
      const { job, id } = await submit(flux, "-N1", "true");
      await eventsUntil(flux, job, "alloc");
      await output(flux, "cancel", job);
      await eventsUntil(flux, job, "epilog-start");
      t.same(await post(id, "prolog-finish"), { value: null });
      await aWhile();
      t.notOk(names(await events(flux, job)).includes("free"));
      t.same(await post(id, "epilog-finish"), { value: null });
      const log = names(await eventsUntil(flux, job, "clean"));
      t.same(log.slice(log.indexOf("exception")), [
        ...["exception", "epilog-start", "prolog-finish", "epilog-finish", "free", "clean"],
      ]);
    },
  );

  await t.test("a held job that can never run waits for its prolog-finish", async (t) => {
    const { job, id } = await submit(flux, "-N99", "true");
    await eventsUntil(flux, job, "exception");
    await aWhile();
    t.notOk(names(await events(flux, job)).includes("clean"));
    await post(id, "prolog-finish");
    const log = names(await eventsUntil(flux, job, "clean"));
    t.same(log.slice(-3), ["exception", "prolog-finish", "clean"]);
    t.notOk(log.includes("epilog-start"));
  });

  await t.test(
    "an extension of a held job comes with an exception that has no effect",
    async (t) => {
      const held = await submit(flux, "-N1", "-t", "1m", "sleep", "60");
      await eventsUntil(flux, held.job, "alloc");
      const updates = { "attributes.system.duration": 90 };
      t.same(await bridge.request("update", { id: held.id, updates }), { value: null });
      await post(held.id, "prolog-finish");
      await eventsUntil(flux, held.job, "start");
      const log = await end(held);
      const after = log.slice(names(log).indexOf("jobspec-update"));
      t.same(names(after).slice(0, 2), ["jobspec-update", "resource-update"]);
      const reported = after.find((entry) => entry.name === "exception");
      t.match(reported?.context, { type: "exec", severity: 1 });
    },
  );

  await t.test(
    "a job gets its delay back if a fourth of its time limit is over at the start",
    async (t) => {
      const held = await submit(flux, "-N1", "-t", "1.5s", "sleep", "60");
      await eventsUntil(flux, held.job, "alloc");
      await new Promise((resolve) => setTimeout(resolve, 2000));
      await post(held.id, "prolog-finish");
      const log = await eventsUntil(flux, held.job, "exception");
      const at = (name: string) => log.find((entry) => entry.name === name)?.timestamp ?? 0;
      const exception = log.find((entry) => entry.name === "exception");
      t.match(exception?.context, { type: "timeout", severity: 0 });
      t.ok(at("exception") - at("start") > 1.3, "its whole limit");
      await eventsUntil(flux, held.job, "finish");
      await post(held.id, "epilog-finish");
      await eventsUntil(flux, held.job, "clean");
    },
  );

  await t.test("a prolog-start after start does not count", async (t) => {
    const job = await output(flux, "submit", "-N1", "sleep", "60");
    const id = await output(flux, "job", "id", "--to=dec", job);
    await eventsUntil(flux, job, "start");
    await post(id, "prolog-start");
    await output(flux, "cancel", job);
    t.ok(names(await eventsUntil(flux, job, "clean")).includes("prolog-start"));
  });

  await t.test("prologs and epilogs are counted together in CLEANUP", async (t) => {
    const job = await output(flux, "submit", "--urgency=hold", "true");
    const id = await output(flux, "job", "id", "--to=dec", job);
    await eventsUntil(flux, job, "priority");
    await post(id, "prolog-start");
    await output(flux, "cancel", job);
    await post(id, "epilog-start");
    await post(id, "prolog-finish");
    await aWhile();
    t.equal((await events(flux, job)).at(-1)?.name, "prolog-finish");
    // Flux still counts the epilog as running.
    await post(id, "prolog-finish");
    t.equal((await eventsUntil(flux, job, "clean")).at(-1)?.name, "clean");
  });

  t.equal(await bridge.close(), 0);
});
