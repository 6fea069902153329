/** docs/failure-modes.md: each row of its tables names a test that exists. */
import { readFileSync } from "node:fs";
import t from "tap";
import { packagePath } from "../../lib/host/package.js";

const [text = ""] = readFileSync(packagePath("docs", "failure-modes.md"), "utf8").split(
  "## Not detected",
);
const rows = text
  .split("\n")
  .filter((line) => line.startsWith("| ") && !/^\| (---|fault) /.test(line));

t.test("every fault names a test that exists", (t) => {
  t.ok(rows.length > 25, `${rows.length} rows`);
  for (const row of rows) {
    const cells = row.split(" | ");
    t.equal(cells.length, 5, row);
    const [, file = "", title = ""] = /^(\S+\.test\.ts): "(.+)" \|$/.exec(cells[4] ?? "") ?? [];
    t.ok(file, `it names a test: ${row}`);
    if (file) t.match(readFileSync(packagePath("test", file), "utf8"), title, row);
  }
  t.end();
});
