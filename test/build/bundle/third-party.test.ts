/** THIRD-PARTY.txt lists every bundled package with its licence. */
import t from "tap";
import { thirdParty } from "../../../build/bundle/third-party.js";

t.test("each package is named once, with its own licence", (t) => {
  const read: string[] = [];
  const text = thirdParty(
    [
      ...["dist/lib/errors.js", "node_modules/b/index.js", "node_modules/b/lib/more.js"],
      ...["node_modules/@a/c/x.js", "node_modules/b/node_modules/inner/y.js"],
    ],
    (folder) => {
      read.push(folder);
      const name = folder.replace(/^.*node_modules\//, "");
      return { name, version: "1.2.3", license: "MIT", terms: `terms of ${name}\n` };
    },
  );
  t.strictSame(read.sort(), [
    "node_modules/@a/c",
    "node_modules/b",
    "node_modules/b/node_modules/inner",
  ]);
  const [list = "", ...terms] = text.split(/^=+$/m);
  t.strictSame(
    list.split("\n").filter((line) => line.startsWith("  ")),
    ["  @a/c 1.2.3 (MIT)", "  b 1.2.3 (MIT)", "  inner 1.2.3 (MIT)"],
  );
  t.match(terms, [/terms of @a\/c/, /terms of b/, /terms of inner/]);
  t.end();
});
