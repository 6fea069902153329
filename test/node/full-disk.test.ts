/** A step on a node with a full disk or a read-only file system reports the reason. */
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { MARKER, newNode } from "../fakes/node.js";

/** Mounts a small file system. Returns whether that was possible. */
function mounted(
  t: { teardown(act: () => void): unknown },
  where: string,
  options: string,
): boolean {
  mkdirSync(where, { recursive: true });
  const { status } = spawnSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", where]);
  if (status === 0) t.teardown(() => spawnSync("umount", ["-l", where]));
  return status === 0;
}

const skip = process.getuid?.() === 0 ? false : "a file system of its own needs root";

t.test("a full work directory is reported, whatever the step printed", { skip }, async (t) => {
  const node = newNode(t);
  if (!mounted(t, node.base, "size=64k")) return;
  writeFileSync(join(node.base, "filled"), "x".repeat(60 << 10));
  const [end = ""] = await node.call("stage");
  const full = `no space left on ${node.base} (usernetes.workdir): free some, or set usernetes.workdir to another directory`;
  t.match(end, /^stage: failed 1: /);
  t.ok(end.endsWith(full), end);
  t.match(await node.call("down-v"), [/^down-v: ok/]);
  t.strictSame(readdirSync(node.base), ["filled"], "no file of the daemon stays");
  t.strictSame(await node.call(["stage", 20, "exit 3"]), [`stage: failed 3: ${full}`], "any step");
});

t.test("a read-only file system is reported, without advice to free space", { skip }, async (t) => {
  const node = newNode(t);
  if (!mounted(t, node.base, "size=1m,ro")) return;
  const [report = ""] = await node.call("stage");
  const reason = `the file system of ${node.base} (usernetes.workdir) is read-only: set usernetes.workdir to another directory`;
  t.ok(report.startsWith("stage: failed 1: ") && report.endsWith(reason), report);
});

t.test(
  "a full TMPDIR is reported, and so are used-up inodes; down-v needs no space",
  { skip },
  async (t) => {
    const node = newNode(t);
    if (!mounted(t, node.temporary, "size=1m,nr_inodes=2")) return;
    writeFileSync(join(node.temporary, "last"), "");
    const full = `no inodes left on ${node.temporary} (TMPDIR): free some, or set TMPDIR to another directory`;
    const [end = ""] = await node.call(["stage", 20, "true"]);
    t.match(end, /^stage: failed 1: no temporary file can be made: /);
    t.ok(end.endsWith(` | ${full}`), end);
    mkdirSync(join(node.workdir, ".usernetes"), { recursive: true });
    writeFileSync(join(node.workdir, ".usernetes/owner"), `${MARKER}\n`);
    t.strictSame(await node.call("down-v"), ["down-v: ok"]);
    t.strictSame(readdirSync(node.base), []);
  },
);

t.test("a step that fails on a disk with space is not reported as a full disk", async (t) => {
  const node = newNode(t);
  t.strictSame(await node.call(["up", 10, "echo no; exit 1"]), ["up: failed 1: no"]);
  t.strictSame(node.litter, [], "nor does the question leave anything");
});
