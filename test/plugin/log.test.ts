import t from "tap";
import { tellFlux } from "../../plugin/log.js";
import { TOKEN } from "../fakes/playing-run.js";

t.test("flux dmesg has one line of each text, with its priority and with no token", (t) => {
  const lines: [number, string][] = [];
  const bridge = { logLine: (level: number, text: string) => void lines.push([level, text]) };
  tellFlux(bridge, "warn", `join\nwith ${TOKEN} now`);
  tellFlux(bridge, "info", "x".repeat(9000));
  tellFlux(bridge, "trace", "for the daemon's own log");
  t.strictSame(lines, [
    [4, "join with [token] now"],
    [6, "x".repeat(1500)],
  ]);
  t.end();
});
