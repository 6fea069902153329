/**
 * The style of the project's text (style.ts): documents, comments, test titles and messages do
 * not use the words in its table.
 */
import t from "tap";
import { documents } from "../docs/documents.js";
import { comments, faultsIn, prose, texts, titles, withoutPurpose, type Place } from "./style.js";

/** Names, link targets and code. */
const NAMES = /leftovers?\b|\]\([^)]*\)|`[^`]*`/g;

function check(test: Pick<typeof t, "ok" | "fail">, places: Place[]): void {
  test.ok(places.length > 50, `${places.length} places`);
  for (const place of places)
    for (const fault of faultsIn({ ...place, text: place.text.replace(NAMES, "") }))
      test.fail(`${fault.file}:${fault.line}: "${fault.found}": write ${fault.instead}`, {
        found: fault.text,
      });
}

t.test("a fault is found with its place, and what to write instead", (t) => {
  const [fault] = faultsIn({ file: "a.md", line: 3, text: "Nobody told the daemon." });
  t.match(fault, { file: "a.md", line: 3, found: "told", instead: /report/ });
  t.strictSame(faultsIn({ file: "a.md", line: 3, text: "The daemon reports the end." }), []);
  t.end();
});

t.test("documents are in plain English", (t) => {
  check(
    t,
    prose(documents()).filter(({ text }) => !/\.test\.ts: "/.test(text)),
  );
  t.end();
});

t.test("comments are in plain English", (t) => {
  check(t, comments());
  t.end();
});

t.test("every program opens with a comment on its purpose", (t) => {
  t.strictSame(withoutPurpose(), []);
  t.end();
});

t.test("test titles are in plain English", (t) => {
  check(t, titles());
  t.end();
});

t.test("messages are in plain English", (t) => {
  check(
    t,
    texts().filter(({ text }) => text !== "tell the administrator"),
  );
  t.end();
});
