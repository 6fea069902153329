/** The rc scripts start and stop the daemon with the instance. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { processes, remains, started } from "./started.js";

started(async (t, start, folder) => {
  const lines = (text: string) => text.split("\n").filter((line) => line.includes("usernetes: "));

  await t.test("the daemon starts and ends with the instance", async (t) => {
    const flux = await start();
    t.match(await flux.run(["flux-usernetes", "ping"]), { exitCode: 0 });
    const rundir = await flux.output("flux", "getattr", "rundir");
    t.ok(existsSync(join(rundir, "usernetes.log")));
    const job = await flux.submit("-N2", "true");
    await flux.waitForEnd(job);
    await flux.close();
    t.equal(await flux.ended, 0);
    t.same(lines(flux.printed()), []);
    t.same(remains(folder), []);
  });

  await t.test("an instance without a [usernetes] table has no daemon", async (t) => {
    const flux = await start({ table: undefined });
    t.equal((await flux.run(["flux-usernetes", "ping"])).exitCode, 5);
    t.same(
      processes(folder).filter((line) => line.includes("flux-usernetes")),
      [],
    );
    await flux.close();
    t.same(lines(flux.printed()), []);
  });

  await t.test("an invalid table is reported in one line, and the instance starts", async (t) => {
    const flux = await start({ table: "foo = 1\n" });
    t.equal(await flux.output("flux", "run", "echo", "it runs"), "it runs");
    t.match(await flux.flux("run", "--setattr=attributes.user.usernetes=yes", "true"), {
      exitCode: 1,
      stderr: /no flux-usernetes daemon is running/,
    });
    await flux.close();
    t.equal(await flux.ended, 0);
    t.match(lines(flux.printed()), [
      /usernetes: no daemon: flux-usernetes: .*usernetes\.foo: there is no such key/,
    ]);
    t.equal(lines(flux.printed()).length, 1, flux.printed());
  });

  await t.test("a daemon that is not installed is reported in one line", async (t) => {
    const flux = await start({ commands: [] });
    await flux.close();
    t.equal(await flux.ended, 0);
    t.match(lines(flux.printed()), [/usernetes: no daemon: .*flux-usernetes is not on the PATH/]);
    t.equal(lines(flux.printed()).length, 1, flux.printed());
  });
});
