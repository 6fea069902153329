/** An instance with a statedir crashes and starts again. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { remains, started, type StartedLife } from "./started.js";

const DEBUG = "--setattr=attributes.user.usernetes_debug=yes";

const status = async (flux: StartedLife, job: string) => {
  await flux.waitForEnd(job);
  const finish = (await flux.events(job)).find((entry) => entry.name === "finish");
  return finish?.context?.["status"];
};

started(async (t, start, folder) => {
  const skip = folder.includes("embedded") ? "the embedded Flux does not start again" : false;
  const state = (name: string) => {
    mkdirSync(join(folder, name));
    return `--setattr=statedir=${join(folder, name)}`;
  };

  await t.test("an instance can crash and start again", { skip }, async (t) => {
    const args = [state("crashed")];
    const before = await start({ args });
    const running = await before.submit("-N2", "sleep", "300");
    await before.waitFor(running, "start");
    const held = await before.submit("-N1", DEBUG, "true");
    await before.waitForRecord(held, "settle");
    before.takes("kubeadm-init", 60);
    const early = await before.submit("-N1", "true");
    await before.waitForStep(early, "kubeadm-init");
    // The next broker knows only what is on disk, so all changes are written before the crash.
    await before.output("flux", "kvs", "put", "--sync", "written=yes");
    await before.crash();
    before.killOrphans();
    t.not(remains(folder).length, 0, "containers are left");

    const flux = await start({ args });
    await t.test("the cluster of a job that ran is removed after a crash", async (t) => {
      await flux.waitForEnd(running);
      t.match((await flux.record(running)).at(-1), {
        name: "down",
        context: { left: { length: 0 } },
      });
    });
    await t.test("a job whose cluster came up gets it after a crash, and runs", async (t) => {
      t.equal(await status(flux, early), 0);
    });
    await t.test(
      "a job that was held for debugging is held after a crash until it is released",
      async (t) => {
        t.notOk((await flux.events(held)).some((entry) => entry.name === "start"));
        await flux.flux("job", "memo", held, "usernetes.release=true");
        t.equal(await status(flux, held), 0);
        t.equal((await flux.run(["flux-usernetes", "clean", held])).exitCode, 0, "it was kept");
      },
    );
    await flux.close();
    t.same(remains(folder), []);
  });

  await t.test(
    "a job that waits for its cluster survives a shutdown of its instance",
    { skip },
    async (t) => {
      const dump = ["--setattr=content.dump=auto", "--setattr=content.restore=auto"];
      const args = [state("shut-down"), ...dump];
      const before = await start({ args });
      await before.waitFor(
        await before.output("flux", "submit", "-N4", "-x", "sleep", "300"),
        "start",
      );
      const job = await before.submit("-N4", "true");
      await before.waitFor(job, "priority");
      await before.close();

      const flux = await start({ args });
      await flux.output("flux", "queue", "start", "--all");
      t.equal(await status(flux, job), 0, "gets its cluster in the next");
      await flux.close();
      t.same(remains(folder), []);
    },
  );
});
