/**
 * docs/sites.md: its table of the public branches has what test/podman/branches tests. That test needs
 * clones of the branches, and runs by hand.
 */
import { parse } from "smol-toml";
import t from "tap";
import { SCENARIOS } from "../podman/branches.js";
import { readDocument, tablesIn } from "./documents.js";

interface Settings {
  make?: Record<string, string>;
  hooks?: Record<string, string[]>;
}

const text = readDocument("docs/sites.md");
const rows = new Map(
  text.split("\n").flatMap((line): [string, string][] => {
    const [, branch = "", ...cells] = line.split(" | ").map((cell) => cell.replace(/^\| /, ""));
    return cells.length === 0
      ? []
      : [[line.slice(2, line.indexOf(" |")), `${branch} ${cells.join(" ")}`]];
  }),
);

t.test("each branch that is tested has a row, with the targets of its scenarios", (t) => {
  const branches = new Set(SCENARIOS.map(({ branch }) => branch));
  t.equal(branches.size, 8);
  for (const branch of branches) t.ok(rows.has(branch), branch);
  for (const { branch, title, table, jobs, outcome } of SCENARIOS) {
    const row = rows.get(branch) ?? "";
    const { make = {} } = parse(table) as Settings;
    if (make["up"]) t.match(row, make["up"], `${branch}: ${title}`);
    if (outcome === "ready" && jobs === 2) t.match(row, /two clusters at a time/i, branch);
    if (table.includes('ports = "default"') && outcome === "ready")
      t.match(row, /default ports/i, `${branch}: ${title}`);
  }
  t.end();
});

t.test("the page has the edits with which two clusters of a branch run", (t) => {
  const shown = tablesIn(text).map(({ hooks }) => (hooks as Settings["hooks"])?.["before-up"]);
  for (const { branch, title, table, jobs } of SCENARIOS) {
    const edits = (parse(table) as Settings).hooks?.["before-up"];
    if (!edits || jobs !== 2) continue;
    const isShown = shown.some((hook) => JSON.stringify(hook) === JSON.stringify(edits));
    t.ok(isShown, `${branch}: ${title}: ${edits.join(" ")}`);
  }
  t.end();
});
