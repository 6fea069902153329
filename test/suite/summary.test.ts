/** Tests the summary of a test run. */
import t from "tap";
import { hasFailed, progressLine, summary, type PlayedFile } from "./summary.js";

const played = (file: string, more: Partial<PlayedFile> = {}): PlayedFile => ({
  ...{
    file: `test/${file}.test.ts`,
    seconds: 1.5,
    passed: 4,
    failed: 0,
    skipped: [],
    failures: [],
    processorS: 0.5,
  },
  ...more,
});
const MODE = { script: "test", seed: 7 };

t.test(
  "a run ends with the reasons of skipped tests, the slowest files, times and a plain line",
  (t) => {
    const files = [
      played("x/a", { skipped: ["no flux", "no flux", ""] }),
      played("x/b", { seconds: 34.21, skipped: ["no podman"] }),
    ];
    t.strictSame(summary(files, MODE), [
      ...["", "Skipped:", "     2  no flux", "     1  (no reason given)", "     1  no podman"],
      ...["", "The slowest files:", "  34.2 s  test/x/b.test.ts", "   1.5 s  test/x/a.test.ts"],
      ...["", "Seconds by folder:", "processor    wall  files  folder"],
      ...["      1.0    35.7      2  x", "      1.0    35.7      2  all"],
      ...["", "8 passed, 0 failed, 4 skipped"],
    ]);
    t.end();
  },
);

t.test("the folders that use the processor longest have a line each, the others one", (t) => {
  const files = Array.from({ length: 10 }, (_, at) =>
    played(`f${at}/a`, { seconds: 1, processorS: at }),
  );
  const lines = summary([...files, played("f9/b")], MODE);
  t.strictSame(lines.slice(lines.indexOf("Seconds by folder:") + 2, -2), [
    ...["      9.5     2.5      2  f9", "      8.0     1.0      1  f8"],
    ...["      7.0     1.0      1  f7", "      6.0     1.0      1  f6"],
    ...["      5.0     1.0      1  f5", "      4.0     1.0      1  f4"],
    ...["      3.0     1.0      1  f3", "      2.0     1.0      1  f2"],
    ...["      1.0     2.0      2  others", "     45.5    11.5     11  all"],
  ]);
  t.end();
});

t.test("a failure has its diagnosis and the command that repeats its file", (t) => {
  const bad = played("a", { failed: 1, failures: ["not ok 1 - one is two", "  ---"] });
  t.strictSame(summary([played("b"), bad], MODE).slice(10), [
    ...["", "Failed: test/a.test.ts", "not ok 1 - one is two", "  ---"],
    "Again: npm test -- --seed 7 test/a.test.ts",
    ...["", "8 passed, 1 failed, 0 skipped"],
  ]);
  const long = summary([bad], { script: "run test:long", seed: 7 });
  t.ok(long.includes("Again: npm run test:long -- --seed 7 test/a.test.ts"));
  t.end();
});

t.test("a file that ran no test has failed, unless all its tests were skipped", (t) => {
  const empty = played("a", { passed: 0 });
  t.equal(hasFailed(empty), true);
  t.equal(summary([empty], MODE).at(-1), "0 passed, 1 failed, 0 skipped");
  t.equal(progressLine(empty), "   1.5 s  test/a.test.ts  (it ran no test)");
  const skipped = played("b", { passed: 0, skipped: ["no podman"] });
  t.equal(hasFailed(skipped), false);
  t.equal(progressLine(skipped), "   1.5 s  test/b.test.ts  (1 skipped)");
  t.end();
});
