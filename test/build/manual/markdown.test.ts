/** The parser of the prose in docs/man, and the mistakes that it reports. */
import t from "tap";
import { code, heading, item, paragraph } from "../../../build/manual/blocks.js";
import { readMarkdown } from "../../../build/manual/markdown.js";

t.test("headings, paragraphs, code, items and generated parts are read", (t) => {
  const text = `# NAME

some words
and more

{{made}}

## Sub

- \`a\`, \`b\`: first: with
  two lines
- \`c\`: second

    if x

      deeper
`;
  t.strictSame(readMarkdown(text, { made: [paragraph("made")] }), [
    heading(1, "NAME"),
    paragraph("some words and more"),
    paragraph("made"),
    heading(2, "Sub"),
    item("`a`, `b`", [paragraph("first: with two lines")]),
    item("`c`", [paragraph("second")]),
    code(["if x", "", "  deeper"]),
  ]);
  t.end();
});

t.test("unknown Markdown is refused", (t) => {
  t.throws(() => readMarkdown("{{other}}", {}), { message: "{{other}}: found no such part" });
  t.throws(() => readMarkdown("# A\nb", {}), { message: /an empty line is missing below it/ });
  t.throws(() => readMarkdown("- a term alone", {}), { message: /found no "term: "/ });
  t.end();
});
