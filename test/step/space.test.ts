/** A node whose disk is full, and one whose containers are not to be entered from Flux's own cgroup. */
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { MARKER, Node, NONCE } from "../fakes/node.js";
import { stepScript } from "../../lib/step/scripts.js";

function newNode(t: { teardown(act: () => void): unknown }): Node {
  const node = new Node();
  t.teardown(() => {
    node.remove();
  });
  return node;
}

/** Whether a small file system could be put there. */
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

t.test("a full work directory is named, whatever the step printed", { skip }, async (t) => {
  const node = newNode(t);
  if (!mounted(t, node.base, "size=64k")) return;
  writeFileSync(join(node.base, "filled"), "x".repeat(60 << 10));
  const { stderr } = await node.call(["stage", 20, stepScript("stage")]);
  const full = `no space left on ${node.base} (usernetes.workdir): free some, or set usernetes.workdir to another directory`;
  t.ok(stderr.endsWith(`${NONCE} tail stage ${full}\n${NONCE} end stage 1`), stderr);
  const down = await node.call(["down-v", 20, stepScript("down-v")]);
  t.match(down.stderr, `${NONCE} end down-v 0`);
  t.strictSame(readdirSync(node.base), ["filled"], "nothing of ours stays");
  t.equal((await node.call(["stage", 20, "exit 3"])).stderr.split("\n").length, 2, "any step");
});

t.test("so are one with no inodes, and TMPDIR, and down-v does without", { skip }, async (t) => {
  const node = newNode(t);
  if (!mounted(t, node.temporary, "size=1m,nr_inodes=2")) return;
  writeFileSync(join(node.temporary, "last"), "");
  const full = `no inodes left on ${node.temporary} (TMPDIR): free some, or set TMPDIR to another directory`;
  const { stderr } = await node.call(["stage", 20, "true"]);
  t.equal(stderr, `${NONCE} tail stage ${full}\n${NONCE} end stage 1`);
  mkdirSync(join(node.workdir, ".usernetes"), { recursive: true });
  writeFileSync(join(node.workdir, ".usernetes/owner"), `${MARKER}\n`);
  const down = await node.call(["down-v", 20, stepScript("down-v")]);
  t.equal(down.stderr, `${NONCE} end down-v 0`);
  t.strictSame(readdirSync(node.base), []);
});

t.test("a read-only file system is named, where nothing can be freed", { skip }, async (t) => {
  const node = newNode(t);
  if (!mounted(t, node.base, "size=1m,ro")) return;
  const { stderr } = await node.call(["stage", 20, stepScript("stage")]);
  const reason = `the file system of ${node.base} (usernetes.workdir) is read-only: set usernetes.workdir to another directory`;
  t.ok(stderr.endsWith(`${NONCE} tail stage ${reason}\n${NONCE} end stage 1`), stderr);
});

t.test("a step that fails on a disk with room is not blamed on the disk", async (t) => {
  const node = newNode(t);
  const { stderr } = await node.call(["up", 10, "echo no; exit 1"]);
  t.equal(stderr, `${NONCE} tail up no\n${NONCE} end up 1`);
  t.strictSame(node.litter, [], "nor does the question leave anything");
});

t.test("steps of rootless podman run in a scope of the user's manager", async (t) => {
  const scope = async (prepare: (node: Node) => void, engine = "podman") => {
    const node = newNode(t);
    node.program("podman", 'exec docker "$@"');
    node.program("id", "echo 1000");
    node.program(
      "systemd-run",
      'echo "$XDG_RUNTIME_DIR $*" | head -n 1 >>"$NOTES/scope"; shift 3; exec "$@"',
    );
    prepare(node);
    const { stderr } = await node.whole("delete-token", { env: { USERNETES_ENGINE: engine } })
      .ended;
    t.match(stderr, `${NONCE} end delete-token `);
    return node.noted("scope");
  };
  const taken = await scope(() => undefined);
  t.equal(taken.length, 2);
  t.equal(taken[0], "/run/user/1000 --user --scope -q true");
  t.match(taken[1], /^\/run\/user\/1000 --user --scope -q sh -c /);
  t.strictSame(await scope(() => undefined, "docker"), [], "only podman needs it");
  t.strictSame(
    await scope((node) => {
      node.program("id", "echo 0");
    }),
    [],
    "not root's",
  );
  const none = (node: Node) => {
    node.program("systemd-run", "exit 1");
  };
  t.strictSame(await scope(none), [], "where there is no such manager it runs as it is");
  t.strictSame(
    await scope((node) => {
      node.uninstall("systemd-run");
    }),
    [],
    "nor systemd",
  );
});
