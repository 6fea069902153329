import { execa } from "execa";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { packagePath } from "../lib/host/package.js";

async function tally(t: Test, lines: string[]) {
  const file = join(t.testdir(), "output.tap");
  writeFileSync(file, lines.join("\n"));
  const argv = [packagePath("dist", "test", "tally.js"), file];
  const { stdout, exitCode } = await execa(process.execPath, argv, { reject: false });
  return { lines: stdout.split("\n"), exitCode };
}

t.test("a run that went well is its slowest files and a plain line", async (t) => {
  const files = ["a.test.js # time=1500ms", "b.test.js # time=34210.5ms"];
  const ok = files.map((file, i) => `ok ${i + 1} - ${file}`);
  const seen = await tally(t, [...ok, "# { total: 9, pass: 7, skip: 2 }"]);
  t.strictSame(seen, {
    lines: [
      ...["The slowest files:", "  34.2 s b.test.js", "   1.5 s a.test.js"],
      "7 passed, 0 failed, 2 skipped",
    ],
    exitCode: 0,
  });
});

t.test("what failed is told with its diagnosis, and the tests that it is in", async (t) => {
  const seen = await tally(t, [
    ...["    ok 1 - good", "    not ok 2 - one is two", "      ---", "      diff: |", "        -2"],
    ...["      ...", "    ", "not ok 1 - a.test.js # time=20ms", "  ---", "  exitCode: 1", "  ..."],
    "# { total: 2, pass: 1, fail: 1 }",
  ]);
  t.strictSame(seen.lines.slice(2), [
    ...["    not ok 2 - one is two", "      ---", "      diff: |", "        -2"],
    ...["not ok 1 - a.test.js # time=20ms", "  ---", "  exitCode: 1"],
    "1 passed, 1 failed, 0 skipped",
  ]);
  t.equal(seen.exitCode, 1);
});

t.test("many failures, and long ones, are cut", async (t) => {
  const long = Array.from({ length: 90 }, (_, i) => `  line ${i}`);
  const failure = ["not ok 1 - a", "  ---", ...long, "  ..."];
  const seen = await tally(t, Array<string[]>(50).fill(failure).flat());
  t.equal(seen.lines.filter((line) => line === "not ok 1 - a").length, 40);
  t.ok(seen.lines.includes("... and 10 more"));
  t.notOk(seen.lines.includes("  line 40"));
});

t.test("a run that did not come to its end has failed", async (t) => {
  const seen = await tally(t, ["ok 1 - a.test.js # time=20ms"]);
  t.match(seen, { lines: { 2: "0 passed, 0 failed, 0 skipped" }, exitCode: 1 });
});
