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
  },
  ...more,
});
const MODE = { script: "test", seed: 7 };

t.test("a run ends with the reasons of skipped tests, the slowest files and a plain line", (t) => {
  const files = [
    played("a", { skipped: ["no flux", "no flux", ""] }),
    played("b", { seconds: 34.21, skipped: ["no podman"] }),
  ];
  t.strictSame(summary(files, MODE), [
    ...["", "Skipped:", "     2  no flux", "     1  (no reason given)", "     1  no podman"],
    ...["", "The slowest files:", "  34.2 s  test/b.test.ts", "   1.5 s  test/a.test.ts"],
    ...["", "8 passed, 0 failed, 4 skipped"],
  ]);
  t.end();
});

t.test("a failure has its diagnosis and the command that repeats its file", (t) => {
  const bad = played("a", { failed: 1, failures: ["not ok 1 - one is two", "  ---"] });
  t.strictSame(summary([played("b"), bad], MODE).slice(4), [
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
