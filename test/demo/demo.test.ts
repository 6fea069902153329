/** `npm run demo` works, and prints the screens in README.md. */
import { execa } from "execa";
import t from "tap";
import { whyNoPython } from "../fakes/flux-plugins.js";
import { readDocument } from "../docs/documents.js";
import { differences, screensIn } from "../docs/screens.js";
import { whyNoLua } from "../sandbox/lua.js";
import { PACKAGE } from "../sandbox/paths.js";

const skip = whyNoPython ?? whyNoLua() ?? false;

t.test("the demonstration prints the screen in README.md", { skip }, async (t) => {
  const { stdout, exitCode } = await execa("node", ["dist/test/demo/demo.js"], {
    cwd: PACKAGE,
    reject: false,
  });
  t.equal(exitCode, 0, stdout);
  t.match(stdout, /^There are no leftovers\.$/m);
  const screens = screensIn("README.md", readDocument("README.md"));
  t.equal(screens.length, 2);
  for (const screen of screens) {
    t.ok(stdout.includes(`$ ${screen.command}`), screen.command);
    t.strictSame(differences(screen, stdout).onlyInDocument, [], screen.command);
  }
});
