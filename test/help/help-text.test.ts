/** Help texts, as commander and the sh front ends print them. */
import t from "tap";
import { code, item, paragraph } from "../../lib/help/blocks.js";
import { readHelp } from "../../lib/help/help-text.js";

t.test("each part of a help text is found by its title", (t) => {
  const help = readHelp(`Usage: cmd [--all]
       cmd other

  Does this,
  and that.

Options:
  --all          of all jobs,
                 really all
  -n, --dry NAME  nothing

Exit codes: 0 done,
1 failed.

Examples:
  cmd --all
    more

  cmd other
`);
  t.strictSame(help, {
    usage: ["cmd [--all]", "cmd other"],
    prose: [paragraph("Does this, and that.")],
    options: [
      { term: "--all", description: "of all jobs, really all" },
      { term: "-n, --dry NAME", description: "nothing" },
    ],
    exitCodes: "0 done, 1 failed.",
    examples: ["cmd --all", "  more", "", "cmd other"],
  });
  t.end();
});

t.test("a table is items, also under a title that is not known; other lines stay lines", (t) => {
  t.strictSame(readHelp("  attr   print it\n  env    print lines").prose, [
    item("`attr`", [paragraph("Print it.")]),
    item("`env`", [paragraph("Print lines.")]),
  ]);
  t.strictSame(readHelp("What is printed:\n  one\n    two").prose, [
    paragraph("What is printed:"),
    code(["one", "  two"]),
  ]);
  t.strictSame(readHelp("").prose, []);
  t.end();
});
