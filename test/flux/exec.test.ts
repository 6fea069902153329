/** A command becomes a `flux exec` of the same command on some ranks. */
import t from "tap";
import { createArchive, unlinkArchive } from "../../lib/flux/archive.js";
import { fluxExec } from "../../lib/flux/exec.js";

const env = { PATH: "/usr/bin" };

t.test("a command on ranks is one flux exec with labels, without input, in /", (t) => {
  t.strictSame(fluxExec([3, 0, 1], { argv: ["make", "up it"], env, timeoutMs: 1000 }), {
    argv: ["flux", "exec", "-r", "0-1,3", "-l", "-n", "-d", "/", "make", "up it"],
    env,
    timeoutMs: 16_000,
  });
  t.end();
});

t.test("an archive replaces an older one and is stored in the KVS", (t) => {
  t.strictSame(createArchive("a", { directory: "/d", file: "f", env }).argv, [
    ...["flux", "archive", "create", "--overwrite", "--name", "a", "-C", "/d", "f"],
  ]);
  t.strictSame(unlinkArchive("a"), [
    ["unlink", "archive.a"],
    ["unlink", "archive.a_blobs"],
  ]);
  t.end();
});
