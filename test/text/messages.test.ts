/** `npm run messages`: texts are found in each kind of source. */
import t from "tap";
import { inScript, inTypeScript, messages } from "./messages.js";

t.test("texts in TypeScript are found with names for values, but without help texts", (t) => {
  const source = [
    'import { x } from "some module of words";',
    "new HelpedCommand({ summary: `the help of it` }).action(() => {",
    "  throw new Error(`${config.file}: cannot be read: ${messageOf(error)}`);",
    "});",
    'const short = "a b";',
  ].join("\n");
  t.strictSame(inTypeScript("lib/a.ts", source), [
    { file: "lib/a.ts", line: 3, text: "{file}: cannot be read: {messageOf}" },
  ]);
  t.end();
});

t.test("texts in scripts are found without comments and programs", (t) => {
  const source = [
    '# "a comment that has words"',
    'fail 1 "$file cannot be read here"',
    "awk '{ print the third word of it }'",
  ].join("\n");
  t.strictSame(inScript("bin/a", source), [
    { file: "bin/a", line: 2, text: "$file cannot be read here" },
  ]);
  const python =
    'def f():\n    """What it does\n\n    and why it does.\n    """\n    fail("it cannot be done")';
  t.strictSame(inScript("a.py", python), [{ file: "a.py", line: 6, text: "it cannot be done" }]);
  t.end();
});

t.test("the sources have texts in every language", (t) => {
  const found = messages();
  t.ok(found.length > 300, `${found.length} texts`);
  for (const file of ["bin/usernetes", "plugin/bridge.py", "lib/cli/up.ts", "plugin/claim.ts"])
    t.ok(
      found.some((it) => it.file === file),
      file,
    );
  t.ok(found.some((it) => it.file.endsWith(".lua")));
  t.end();
});
