/** Blocks become man(7) source: no text is lost, and no text becomes a request of roff. */
import { fc } from "../../random.js";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { code, heading, item, paragraph, type Block } from "../../../build/manual/blocks.js";
import { roffOf } from "../../../build/manual/roff.js";
import { man, missing, plain } from "./rendered.js";

const TITLE = { name: "a-page", section: 1, date: "2026-01-02", source: "a 1", manual: "M" };
const body = (...blocks: Block[]) => roffOf(TITLE, blocks).split("\n").slice(5, -1);

t.test("sections, paragraphs, items and code become roff", (t) => {
  const blocks: Block[] = [
    heading(1, "NAME"),
    paragraph("a page"),
    paragraph("more"),
    item("`-a`", [paragraph("all")]),
    code(["one", "", "two"]),
    { kind: "lines", texts: ["x", "y"] },
  ];
  t.strictSame(body(...blocks), [
    ...['.SH "NAME"', "a page", ".PP", "more", ".TP", "\\fB\\-a\\fR", "all"],
    ...[".PP", ".RS 4", ".nf", "one", "", "two", ".fi", ".RE"],
    ...[".PP", "x", ".br", "y"],
  ]);
  t.end();
});

t.test("marks become bold or italic, except within a word; references to pages are bold", (t) => {
  t.strictSame(body(paragraph("`a-b`=*C*, **d** and 2*3*4, flux-run(1)")), [
    "\\fBa\\-b\\fR=\\fIC\\fR, \\fBd\\fR and 2*3*4, \\fBflux\\-run\\fR(1)",
  ]);
  t.end();
});

t.test("a sentence has its own line, and no line is long", (t) => {
  const long = `${"word ".repeat(30)}end. ${"other ".repeat(10)}`.trim();
  const lines = body(paragraph(long));
  t.ok(lines.every((line) => line.length <= 80));
  t.ok(lines.some((line) => line.startsWith("other")));
  t.equal(lines.join(" "), long);
  t.end();
});

const NASTY = [
  ".TH at the begin",
  "'quoted at the begin",
  "back\\slash \\fB \\n(xx",
  'a "b" c',
  "`x`",
  "it's ~ ^ -- -x -",
  "  indented",
  "%s $HOME *",
  "ƒ2QT1HSJy5",
];

t.test("dots, backslashes, quotes and hyphens appear unchanged on the page", (t) => {
  const roff = roffOf(TITLE, [heading(1, "NAME"), paragraph("a \\- b"), code(NASTY)]);
  for (const line of NASTY) t.ok(plain(roff).split("\n").includes(line), line);
  t.notOk(
    body(code(NASTY)).some((line) => /^[.'](?!PP$|RS 4$|nf$|fi$|RE$)/.test(line)),
    "requests",
  );
  const filled = body(paragraph(`${"x ".repeat(38)}.hidden is 'a file`)).join("\n");
  t.match(filled, "\n\\&.hidden", "also where a paragraph was broken");
  t.end();
});

t.test("every kind of line appears unchanged on the page", (t) => {
  const char = fc.constantFrom(...Array.from(".'\\-`^~ƒ \"ab*&(nfB"));
  fc.assert(
    fc.property(fc.string({ unit: char, minLength: 1 }), (text) => {
      const roff = roffOf(TITLE, [heading(1, "NAME"), code([text])]);
      return plain(roff).split("\n").includes(text);
    }),
  );
  t.end();
});

t.test("man shows each character as it was written", { skip: await missing("man") }, async (t) => {
  const file = join(t.testdir(), "a.1");
  writeFileSync(file, roffOf(TITLE, [heading(1, "NAME"), paragraph("a \\- b"), code(NASTY)]));
  const { text, warnings } = await man(file, 80, "C.UTF-8");
  t.equal(warnings, "");
  for (const line of NASTY) t.ok(text.split("\n").includes(`           ${line}`), line);
});
