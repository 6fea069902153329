/** Tests how the TAP output of a test file is read. */
import t from "tap";
import { readTap } from "./tap-file.js";

const tap = (...lines: string[]) => readTap(lines.join("\n"));

t.test("the counts are those of the file, and each skipped test has its reason", (t) => {
  const report = tap(
    ...["    ok 1 - good", "    ok 2 - on a real Flux # SKIP there is no flux on the PATH"],
    ...["ok 1 - all # time=20ms", "ok 2 # SKIP", "# { total: 3, pass: 1, skip: 2 }"],
  );
  const skipped = ["there is no flux on the PATH", ""];
  t.strictSame(report, { passed: 1, failed: 0, skipped, failures: [], processorS: 0 });
  t.end();
});

t.test("the processor time is in the output, unless the file was killed", (t) => {
  const totals = "# { total: 1, pass: 1 }";
  t.equal(tap("ok 1 - good", totals, "# processor time: 12.34 s").processorS, 12.34);
  t.equal(tap("ok 1 - good", totals).processorS, 0);
  t.end();
});

t.test("a failure has its diagnosis and the tests that contain it", (t) => {
  const report = tap(
    ...["    ok 1 - good", "    not ok 2 - one is two", "      ---", "      diff: |", "        -2"],
    ...["      ...", "    ", "not ok 1 - all # time=20ms", "  ---", "  exitCode: 1", "  ..."],
    "# { total: 2, pass: 1, fail: 1 }",
  );
  t.equal(report.failed, 1);
  t.strictSame(report.failures, [
    ...["    not ok 2 - one is two", "      ---", "      diff: |", "        -2"],
    ...["not ok 1 - all # time=20ms", "  ---", "  exitCode: 1"],
  ]);
  t.end();
});

t.test("many failures are cut, and so are long ones", (t) => {
  const long = Array.from({ length: 90 }, (_, i) => `  line ${i}`);
  const failure = ["not ok 1 - a", "  ---", ...long, "  ..."];
  const { failures } = tap(...Array<string[]>(50).fill(failure).flat());
  t.equal(failures.filter((line) => line === "not ok 1 - a").length, 40);
  t.ok(failures.includes("... and 10 more"));
  t.notOk(failures.includes("  line 40"));
  t.end();
});

t.test("a file that ended before its last test has failed", (t) => {
  const failures = ["the file ended before its last test did"];
  t.match(tap("ok 1 - good # time=20ms"), { passed: 0, failed: 1, failures });
  t.match(tap(""), { passed: 0, failed: 1, failures });
  t.end();
});
