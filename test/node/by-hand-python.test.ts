/** Runs the unit tests of lib/node/by_hand*.py, which are written in Python. */
import { execa } from "execa";
import t from "tap";
import { ADJUSTMENTS, DEFAULT_ADJUSTMENTS } from "../../lib/config/schema.js";
import { packagePath } from "../../lib/host/package.js";

t.test("the pure functions of by_hand pass their unit tests", async (t) => {
  const argv = ["-B", "-W", "error", packagePath("test/node/by_hand_test.py"), "-v"];
  const { exitCode, stderr } = await execa("python3", argv, { reject: false });
  t.equal(exitCode, 0, stderr);
  t.match(stderr, /^Ran [1-9][0-9]* tests/m);
});

t.test("the adjustments are those of the configuration", async (t) => {
  const program =
    "import by_hand_settings as s; print(*s.ADJUSTMENTS); print(*s.DEFAULT_ADJUSTMENTS)";
  const { stdout } = await execa("python3", ["-B", "-c", program], {
    cwd: packagePath("lib/node"),
  });
  t.strictSame(stdout.split("\n"), [ADJUSTMENTS.join(" "), DEFAULT_ADJUSTMENTS.join(" ")]);
});
