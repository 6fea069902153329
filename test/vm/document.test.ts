/** Tests how commands are read from a document, and that docs/admin has those of test:vm. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { PACKAGE } from "../sandbox/paths.js";
import { commandsOf } from "./document.js";

const DOCUMENT = `# Top

    not-of-the-section

## Steps

Text with \`code\`:

    $ first --option
    its output
    $ second

and a block without prompts:

    third \\
      more
    fourth

### Below

    not-either
`;

await t.test("a section's commands are its prompted lines, or whole blocks", (t) => {
  t.same(commandsOf(DOCUMENT, "Steps"), ["first --option", "second", "third more", "fourth"]);
  t.end();
});

await t.test("a section that does not exist, or has no command, is an error", (t) => {
  t.throws(() => commandsOf(DOCUMENT, "Stepz"), /no section "Stepz"/);
  t.throws(() => commandsOf("## Empty\n\ntext\n", "Empty"), /"Empty" has no commands/);
  t.end();
});

await t.test("docs/admin has the commands that test:vm runs", (t) => {
  const admin = readFileSync(join(PACKAGE, "docs/admin/install.md"), "utf8");
  const operate = readFileSync(join(PACKAGE, "docs/admin/operate.md"), "utf8");
  const first = (heading: string) => commandsOf(admin, heading)[0];
  t.same(commandsOf(admin, "1. The package, on rank 0"), [
    "npm ci && npm pack",
    `npm install --global flux-usernetes-${version()}.tgz`,
  ]);
  t.equal(first("2. Install the files on rank 0"), "flux-usernetes install --dry-run");
  t.match(first("4. The configuration"), /^flux-usernetes daemon --config \//);
  t.equal(commandsOf(admin, "4. The configuration")[1], "flux config reload");
  t.match(first("5. The daemon"), /^flux usernetes ping/);
  t.match(first("6. Verify the installation"), /^flux usernetes doctor/);
  t.match(commandsOf(admin, "8. A first cluster").at(-1), /^flux run -N2 --usernetes .*kubectl/);
  t.same(commandsOf(operate, "The systemd unit").slice(0, 2), [
    "systemctl daemon-reload",
    "systemctl enable --now flux-usernetes",
  ]);
  t.end();
});

await t.test("files are unpacked into the target of /etc/flux if it is a link", (t) => {
  const admin = readFileSync(join(PACKAGE, "docs/admin/install.md"), "utf8");
  const [, pack = "", unpack = ""] = commandsOf(
    admin,
    "3. Install the same files on every other node",
  );
  const folder = t.testdir({
    tree: { etc: { flux: { "rc1.d": { "90-usernetes": "new" } } }, usr: {} },
    root: { opt: { flux: { "curve.cert": "the site's" } }, etc: {} },
  });
  symlinkSync("../opt/flux", join(folder, "root/etc/flux"));
  execFileSync("sh", ["-c", pack], { cwd: folder });
  execFileSync("sh", ["-c", unpack.replace("-C /", "-C root")], { cwd: folder });
  t.same(readdirSync(join(folder, "root/etc/flux")).sort(), ["curve.cert", "rc1.d"]);
  t.end();
});

function version(): string {
  const { version } = JSON.parse(readFileSync(join(PACKAGE, "package.json"), "utf8")) as {
    version: string;
  };
  return version;
}
