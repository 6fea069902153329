/** The table of steps, and what has to agree with it. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import t from "tap";
import { rowOf, STEPS, TABLE } from "../../lib/cluster/steps.js";
import { packagePath } from "../../lib/host/package.js";

const read = (path: string) => readFileSync(packagePath(path), "utf8");

t.test("a step comes after steps that are above it", (t) => {
  for (const [place, { name, after }] of TABLE.entries())
    for (const before of after) t.ok(STEPS.slice(0, place).includes(before), `${before} < ${name}`);
  t.end();
});

t.test("each step that nodes take has a script, but for what the agent does itself", (t) => {
  const listed = read("lib/node/steps/scripts.list")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split(" "));
  const scripted = STEPS.filter((step) => rowOf(step).by !== "daemon" && !rowOf(step).puts);
  t.strictSame(
    listed
      .map(([name]) => name)
      .filter((name) => name !== "up-by-hand")
      .toSorted(),
    scripted.toSorted(),
  );
  for (const file of listed.flatMap(([, ...files]) => files))
    t.ok(existsSync(packagePath("lib/node/steps", file)), file);
  t.end();
});

t.test("the template is checked for the targets that the steps make", (t) => {
  const argv = ["-c", '. "$0"; echo $template_targets', packagePath("lib/node/steps/template.sh")];
  const targets = execFileSync("sh", argv, { encoding: "utf8", env: {} }).trim();
  const made = STEPS.map((step) => rowOf(step).makes).filter((target) => target !== undefined);
  t.strictSame(targets.split(" ").toSorted(), made.toSorted());
  t.end();
});

t.test("docs/design.md shows the table", (t) => {
  const rows = STEPS.map((step) => {
    const { by, after, limitS, attempts = 1, optional } = rowOf(step);
    const limit = limitS === undefined ? "" : `${limitS} s`;
    return `| ${step} | ${by} | ${after.join(", ")} | ${limit} | ${attempts} | ${optional ? "yes" : ""} |`;
  });
  t.match(read("docs/design.md"), rows.join("\n"));
  t.end();
});
