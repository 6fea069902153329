/** A command writes the file that a user named completely, or it writes no file. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { writeWhole } from "../../lib/cli/write-whole.js";
import { messageOf } from "../../lib/errors.js";

const isRoot = process.getuid?.() === 0;
const skip = isRoot ? false : "a file system of its own needs root";

t.test("a full disk is reported in one line, and no partial file remains", { skip }, (t) => {
  const directory = mkdtempSync(join(tmpdir(), "usernetes-full-"));
  const mount = ["-t", "tmpfs", "-o", "size=64k", "tmpfs", directory];
  const isMounted = spawnSync("mount", mount).status === 0;
  t.teardown(() => {
    if (isMounted) spawnSync("umount", ["-l", directory]);
    rmdirSync(directory);
  });
  if (!isMounted) return t.end();
  const file = join(directory, "bring-up.svg");
  let message = "";
  try {
    writeWhole(file, "x".repeat(100_000));
  } catch (error) {
    message = messageOf(error);
  }
  t.equal(message, `${file}: cannot be written: ENOSPC: no space left on device`);
  t.strictSame(readdirSync(directory), []);
  t.end();
});
