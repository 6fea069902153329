/** In which instances the rc scripts start a daemon. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { COMMANDS } from "./places.js";
import { processes, remains, started } from "./started.js";

started(async (t, start, folder) => {
  await t.test("a batch job's instance has a daemon only if it has a table", async (t) => {
    const flux = await start();
    const script = flux.script("flux-usernetes ping");
    const nested = async (...args: string[]) => {
      const out = join(folder, "nested.out");
      const job = await flux.output("flux", "batch", "-N2", `--output=${out}`, ...args, script);
      await flux.waitFor(job, "clean");
      return readFileSync(out, "utf8");
    };
    t.match(await nested(), "no daemon runs in this Flux instance");
    if (flux.kind === "real") {
      t.match(await nested("--conf=usernetes.template=/nowhere"), "the daemon answers");
      const daemons = processes(folder).filter((line) => line.includes("flux-usernetes"));
      t.equal(daemons.length, 1, "the outer instance's only");
    }
    t.equal((await flux.run(["flux-usernetes", "ping"])).exitCode, 0);
    await flux.close();
    t.same(remains(folder), []);
  });

  const skip = folder.includes("embedded") ? "it never runs under systemd" : false;
  await t.test("the script does not start the daemon if systemd does", { skip }, async (t) => {
    const bin = join(folder, "bin");
    mkdirSync(bin);
    const systemctl = '#!/bin/sh\n[ "$*" = "--quiet is-enabled flux-usernetes.service" ]\n';
    writeFileSync(join(bin, "systemctl"), systemctl, { mode: 0o755 });
    const commands = [bin, COMMANDS];
    const ping = async (args: string[]) => {
      const flux = await start({ commands, args });
      const { exitCode } = await flux.run(["flux-usernetes", "ping"]);
      await flux.close();
      t.notMatch(flux.printed(), "usernetes: ");
      return exitCode;
    };
    t.equal(await ping([]), 0, "an instance that somebody starts by hand");
    t.equal(await ping(["--setattr=broker.sd-notify=1"]), 5);
  });
});
