import t from "tap";
import { startCommand } from "../../lib/step/start-command.js";
import { runScript, startScript } from "../../lib/step/scripts.js";
import type { Call } from "../../lib/step/call.js";

const CALL: Call = {
  steps: ["stage"],
  ranks: [0, 1],
  env: { PATH: "/bin", FLUX_URI: "local:///run/flux/local", USERNETES_PROJECT: "usernetes-x" },
  limitS: 99.5,
};
const STEP = ["stage", "99", "script"];
const RUN = ["sh", "-c", runScript(), "usernetes", "n0nce", ...STEP];

t.test("a cluster of the owner's gets its environment from flux exec", (t) => {
  t.strictSame(startCommand(CALL, "n0nce", STEP), {
    argv: ["sh", "-c", startScript(), "usernetes-start", "n0nce", "stage", "", "110", ...RUN],
    env: CALL.env,
    timeoutMs: 99_500,
  });
  t.end();
});

t.test("another user's gets it as arguments, but for what each node has of its own", (t) => {
  const { argv, env } = startCommand({ ...CALL, userid: 1002 }, "n0nce", STEP);
  t.strictSame(argv, [
    ...["sh", "-c", startScript(), "usernetes-start", "n0nce", "stage", "1002", "110"],
    ...["PATH=/bin", "USERNETES_PROJECT=usernetes-x", ...RUN],
  ]);
  t.strictSame(env, CALL.env, "start.sh itself needs it too");
  t.end();
});
