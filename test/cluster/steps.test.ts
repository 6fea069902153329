/** The table of steps agrees with the steps' files, the template's check and docs/design.md. */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import t from "tap";
import { rowOf, STEPS, TABLE } from "../../lib/cluster/steps.js";
import { packagePath } from "../../lib/host/package.js";

const read = (path: string) => readFileSync(packagePath(path), "utf8");

t.test("each step stands below the steps that it follows", (t) => {
  for (const [place, { name, after }] of TABLE.entries())
    for (const before of after) t.ok(STEPS.slice(0, place).includes(before), `${before} < ${name}`);
  t.end();
});

t.test("each step on the nodes has a file, except those of the agent itself", (t) => {
  const files = readdirSync(packagePath("lib/node/steps")).filter((name) => name !== "parts");
  const scripted = STEPS.filter((step) => rowOf(step).by !== "daemon" && !rowOf(step).puts);
  t.strictSame(
    files.toSorted(),
    scripted.map((step) => `${step}.${rowOf(step).needs === "images" ? "py" : "sh"}`).toSorted(),
  );
  for (const file of files) {
    const [first = ""] = read(`lib/node/steps/${file}`).split("\n");
    t.match(first, /^# parts: [a-z]/, file);
    for (const part of first.slice("# parts: ".length).split(" "))
      t.ok(
        existsSync(packagePath("lib/node/steps/parts", `${part}${file.slice(-3)}`)),
        `${file}: ${part}`,
      );
  }
  t.end();
});

t.test("the template is checked for the targets that the steps make", (t) => {
  const argv = [
    "-c",
    '. "$0"; echo $template_targets',
    packagePath("lib/node/steps/parts/template.sh"),
  ];
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
