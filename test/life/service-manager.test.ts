/** The daemon reports its state to systemd. */
import { join } from "node:path";
import { PACKAGE } from "../sandbox/paths.js";
import { until } from "../hosts/until.js";
import { spawnCommand } from "../hosts/run-command.js";
import { life } from "./life.js";

const FIXTURE = join(PACKAGE, "test/hosts/datagrams.py");

life(async (t, flux) => {
  for (const address of [join(flux.place.common, "notify"), `@usernetes-${process.pid}`])
    await t.test(`systemd at ${address} is notified of the daemon's state`, async (t) => {
      const env = flux.place.env;
      const cwd = flux.place.common;
      const systemd = spawnCommand("python3", [FIXTURE, address], { env, cwd });
      await systemd.line((line) => line === "listening");
      const reported = async (what: RegExp, after = 0) =>
        systemd.line((line) => what.test(line) && systemd.lines.indexOf(line, after) >= after);
      const unit = { NOTIFY_SOCKET: address, WATCHDOG_USEC: "200000", LOG_LEVEL: "warn" };
      const daemon = spawnCommand(join(PACKAGE, "bin/flux-usernetes"), ["daemon"], {
        env: { ...env, ...unit },
        cwd,
      });
      t.match(await reported(/READY/), String.raw`"READY=1\nSTATUS=4 ranks, 0 jobs, template `);
      await reported(/WATCHDOG=1/);

      daemon.child.kill("SIGHUP");
      await reported(/^"RELOADING=1\\nMONOTONIC_USEC=[0-9]+"$/);
      await reported(/^"READY=1\\nSTATUS=4 ranks, 0 jobs, template \S+; configuration reloaded"$/);

      const { pid } = daemon.child;
      t.equal(flux.signalChildren("bridge.py", "SIGKILL", pid), 1);
      // A WATCHDOG message from before the kill may still arrive, so only later lines count.
      await until("another bridge", () => flux.signalChildren("bridge.py", 0, pid) === 1);
      const before = systemd.lines.length;
      await reported(/WATCHDOG=1/, before);

      daemon.child.kill("SIGTERM");
      t.equal(await daemon.ended, 0);
      await reported(/STOPPING=1/);
      t.match(systemd.lines.at(-1), "STOPPING=1", "it is the last word");
      systemd.child.kill();
      await systemd.ended;
    });
});
