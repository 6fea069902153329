/** docs/decisions: each decision has the same parts, and a superseded one names its successor. */
import { readdirSync } from "node:fs";
import t from "tap";
import { packagePath } from "../../lib/host/package.js";
import { readDocument } from "./documents.js";

const FORM =
  /^# (\d+)\. [A-Z].*\n\nDate: \d{4}-\d\d-\d\d {2}\nStatus: (\S.*)\n\n## Context\n\n\S[^]*\n\n## Decision\n\n\S[^]*\n\n## Consequences\n\n\S[^]*$/;

t.test("a decision has a date, a status, its context, the decision and its consequences", (t) => {
  for (const file of readdirSync(packagePath("docs", "decisions"))) {
    const [, number, status = ""] = FORM.exec(readDocument(`docs/decisions/${file}`)) ?? [];
    t.equal(number, String(Number(file.slice(0, 4))), file);
    t.match(status, /^(Accepted|Proposed|Rejected|Superseded)\b/, file);
    if (/superseded/i.test(status)) t.match(status, /uperseded by \[\d+\]\(\d{4}-.*\.md\)/, file);
  }
  t.end();
});
