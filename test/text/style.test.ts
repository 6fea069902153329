/**
 * The style of the project's text (style.ts): documents, comments, test titles and messages do
 * not use the words in its table.
 */
import t from "tap";
import { documents } from "../docs/documents.js";
import { comments, faultsIn, prose, texts, withoutPurpose, type Place } from "./style.js";
import { strings, titles, titlesOf, whyNoSentence } from "./titles.js";

/** Text that is not checked: names, link targets and code. */
const NAMES = /leftovers?\b|\]\([^)]*\)|`[^`]*`/g;

function check(test: Pick<typeof t, "ok" | "fail">, places: Place[]): void {
  test.ok(places.length > 50, `${places.length} places`);
  for (const place of places)
    for (const fault of faultsIn({ ...place, text: place.text.replace(NAMES, "") }))
      test.fail(`${fault.file}:${fault.line}: "${fault.found}": write ${fault.instead}`, {
        found: fault.text,
      });
}

t.test("a fault is found with its place and its replacement", (t) => {
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

t.test("a title that is no whole sentence is found", (t) => {
  const call = (title: string): string => `t.test(${title}, (t) => {});`;
  const source = call('"a step"') + call("`is tried again`") + 'PATTERN.test("text")';
  t.same(
    titlesOf("a.test.ts", source).map(({ text }) => text),
    ["a step", "is tried again"],
  );
  t.same(
    titlesOf("a_test.py", "def test_a_step_ends(self):").map(({ text }) => text),
    ["a step ends"],
  );
  for (const title of ["a step", "is tried again", "of 100 MB ends", "a job that fails", "it ends"])
    t.type(whyNoSentence(title), "string", title);
  for (const title of ["a job that fails ends", "before-up runs first", "jobs run at a time"])
    t.equal(whyNoSentence(title), undefined, title);
  t.end();
});

t.test("test titles are whole sentences", (t) => {
  const all = titles();
  t.ok(all.length > 1500, `${all.length} titles`);
  for (const { file, line, text } of all) {
    const why = whyNoSentence(text);
    if (why !== undefined) t.fail(`${file}:${line}: "${text}": ${why}`);
  }
  t.end();
});

t.test("strings in tests are in plain English", (t) => {
  check(t, strings());
  t.end();
});

t.test("messages are in plain English", (t) => {
  check(
    t,
    texts().filter(({ text }) => text !== "tell the administrator"),
  );
  t.end();
});
