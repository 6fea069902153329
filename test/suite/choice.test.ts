/** Tests which test files a command line selects. */
import { existsSync } from "node:fs";
import t from "tap";
import { packagePath } from "../../lib/host/package.js";
import { chosen } from "./choice.js";
import { LONG } from "./long.js";

const ALL = ["config/load", "life/job", "life/load", "podman/job"].map(
  (name) => `test/${name}.test.ts`,
);
const [CONFIG, JOB, LOAD, PODMAN] = ALL;
const choose = (asked: string[], long = false) =>
  chosen(ALL, { long, asked, longFiles: [LOAD ?? ""], both: [CONFIG ?? ""] });

t.test("a run takes all files except long ones, or the named ones, slowest folders first", (t) => {
  t.strictSame(choose([]), { files: [PODMAN, JOB, CONFIG], unknown: [] });
  t.strictSame(choose([], true), { files: [LOAD, CONFIG], unknown: [] });
  t.end();
});

t.test("files are named as sources or compiled, and folders stand for their files", (t) => {
  const names = ["./dist/test/config/load.test.js", "test/life/", JOB ?? ""];
  t.strictSame(choose(names).files, [JOB, CONFIG]);
  t.strictSame(choose(["test/life"], true).files, [LOAD]);
  t.strictSame(choose([LOAD ?? ""]).files, [LOAD], "a long one by its name");
  t.strictSame(choose(["test/nowhere", "life"]).unknown, ["test/nowhere", "life"]);
  t.end();
});

t.test("each long file exists, and its promise has a test in npm test", (t) => {
  for (const [file, { alsoIn }] of Object.entries(LONG))
    for (const named of [file, ...alsoIn.split(", ")]) {
      t.ok(existsSync(packagePath(...named.split("/"))), named);
      if (named !== file) t.notOk(named in LONG, `${named} is in npm test`);
    }
  t.end();
});
