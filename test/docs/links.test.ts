/** Links between documents: each relative link names a file, and each anchor a heading of it. */
import { statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import t from "tap";
import { packagePath } from "../../lib/host/package.js";
import { documents, readDocument } from "./documents.js";

/** GitHub's anchor of a heading. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\- ]/gu, "")
    .replaceAll(" ", "-");

const anchorsOf = (file: string) =>
  [...readDocument(file).matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => anchorOf(heading));

t.test("every link between documents leads to a file and a heading", (t) => {
  t.ok(documents().length > 20);
  for (const document of documents())
    for (const [, link = ""] of readDocument(document).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(link)) continue;
      const [path = "", anchor] = link.split("#");
      const file = path === "" ? document : normalize(join(dirname(document), path));
      const found = statSync(packagePath(file), { throwIfNoEntry: false });
      t.ok(found, `${document}: ${link}`);
      if (found && anchor !== undefined)
        t.ok(anchorsOf(file).includes(anchor), `${document}: ${link}: the heading exists`);
    }
  t.end();
});
