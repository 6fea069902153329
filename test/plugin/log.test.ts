/** The daemon's log on stderr and in `flux dmesg`. */
import { spawnSync } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import t from "tap";
import { packagePath } from "../../lib/host/package.js";
import { logToFlux } from "../../plugin/log.js";
import { TOKEN } from "../fakes/playing-run.js";

t.test("flux dmesg has one line for each text, with its priority and without a token", (t) => {
  const lines: [number, string][] = [];
  const bridge = { logLine: (level: number, text: string) => void lines.push([level, text]) };
  logToFlux(bridge, "warn", `join\nwith ${TOKEN} now`);
  logToFlux(bridge, "info", "x".repeat(9000));
  logToFlux(bridge, "trace", "for the daemon's own log");
  t.strictSame(lines, [
    [4, "join with [token] now"],
    [6, "x".repeat(1500)],
  ]);
  t.end();
});

t.test("a log that cannot be written does not end the daemon", (t) => {
  const program = `
    import { createLog } from ${JSON.stringify(packagePath("dist/plugin/log.js"))};
    const log = await createLog();
    log.info("one");
    setTimeout(() => { log.info("two"); process.stdout.write("runs on"); }, 50);`;
  const full = openSync("/dev/full", "w");
  const { status, stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
    ...{ encoding: "utf8", stdio: ["ignore", "pipe", full] },
  });
  closeSync(full);
  t.strictSame({ status, stdout }, { status: 0, stdout: "runs on" });
  t.end();
});
