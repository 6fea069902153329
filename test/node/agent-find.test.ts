/** An agent finds the work directories of this instance, and those of other users through sudo. */
import { chownSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import t from "tap";
import { MARKER, newNode, OWN } from "../fakes/node.js";

const me = process.getuid?.() ?? 0;
const [, instance = ""] = MARKER.split(" ");
const END = `searched ${hostname()}`;

t.test("the instance's clusters are found by their marker files", async (t) => {
  const node = newNode(t);
  const workdir = (name: string, owner: string) => {
    mkdirSync(join(node.base, name, ".usernetes"), { recursive: true });
    writeFileSync(join(node.base, name, ".usernetes/owner"), owner);
  };
  t.strictSame(await node.find(instance), [END]);
  node.staged();
  workdir("usernetes-ƒother", `1 ${"0".repeat(8)}-elsewhere ${hostname()}\n`);
  workdir("usernetes-ƒempty", "");
  workdir("something", `2 ${instance} ${hostname()}\n`);
  mkdirSync(join(node.base, "usernetes-ƒbare"));
  node.plant("fifo", join(node.base, "usernetes-ƒfifo"));
  mkdirSync(join(node.base, "usernetes-ƒhangs/.usernetes"), { recursive: true });
  node.plant("fifo", join(node.base, "usernetes-ƒhangs/.usernetes/owner"));
  symlinkSync(node.workdir, join(node.base, "usernetes-ƒlink"));
  t.strictSame(await node.find(instance), [`found ${me} 179836689580032 -`, END]);
  writeFileSync(join(node.workdir, ".usernetes/engine"), "podman\n");
  t.strictSame(await node.find(instance), [`found ${me} 179836689580032 podman`, END]);
  writeFileSync(join(node.workdir, ".usernetes/engine"), "reboot\n");
  t.strictSame(await node.find(instance), [`found ${me} 179836689580032 -`, END]);
});

t.test("a shared work directory is found on the nodes that have a directory in it", async (t) => {
  const node = newNode(t);
  node.staged();
  const nodes = join(node.workdir, ".usernetes/nodes");
  rmSync(join(node.workdir, OWN), { recursive: true, force: true });
  mkdirSync(join(nodes, "elsewhere"), { recursive: true });
  t.strictSame(await node.find(instance), [END]);
  // An earlier version named the nodes' directories by host.
  for (const name of ["0", hostname()]) {
    mkdirSync(join(nodes, name));
    t.strictSame(await node.find(instance), [`found ${me} 179836689580032 -`, END], name);
    rmSync(join(nodes, name), { recursive: true });
  }
});

t.test("the directory to search may be missing", async (t) => {
  const node = newNode(t);
  renameSync(node.base, `${node.base}.away`);
  t.strictSame(await node.find(instance, true), [END]);
});

const skip = me === 0 ? false : "it gives directories to other users, which needs root";

t.test("another user's copy of the marker is not the owner's cluster", { skip }, async (t) => {
  const node = newNode(t);
  const state = join(node.base, "usernetes-ƒtheirs/.usernetes");
  mkdirSync(state, { recursive: true });
  writeFileSync(join(state, "owner"), `${MARKER}\n`);
  chownSync(join(node.base, "usernetes-ƒtheirs"), 64_321, 64_321);
  t.strictSame(await node.find(instance), [END]);
});

t.test("a search as another user reports only valid fields", { skip }, async (t) => {
  const node = newNode(t);
  const theirs = join(node.base, "usernetes-ƒtheirs");
  mkdirSync(theirs);
  chownSync(theirs, 64_321, 64_321);
  symlinkSync(node.base, join(node.base, "usernetes-ƒlink"));
  const find = async (sudo: string, others = true) => {
    node.program("sudo", sudo);
    return node.find(instance, others);
  };
  const report = (jobid: unknown, engine: unknown) =>
    `echo '${JSON.stringify({ report: "found", jobid, engine })}' >&2`;
  const over = `echo '{"report": "over"}' >&2`;
  const unseen = "unseen 64321";
  t.strictSame(await find(`${report("1", "docker")}; ${over}`, false), [END], "run-as is owner");
  t.strictSame(await find(`${report("1", "docker")}; ${over}`), ["found 64321 1 docker", END]);
  const forged = [
    `echo '{"report": "found", "userid": 0, "jobid": "1", "engine": "podman", "nonce": "n0nce"}' >&2`,
    `echo '{"report": "searched", "host": "x"}' >&2; echo 'garbage' >&2; echo '[1]' >&2; echo 7 >&2`,
    ...[report("2", "sh"), report("../3", "docker"), report({ a: 1 }, "docker"), report(4, null)],
    over,
  ];
  t.strictSame(await find(forged.join("\n")), [
    ...["found 64321 1 podman", "found 64321 2 -", "found 64321 4 -", END],
  ]);
  t.strictSame(await find("echo a password is required >&2; exit 1"), [unseen, END]);
});

t.test("another user's reports are limited in number and time", { skip }, async (t) => {
  const node = newNode(t);
  const theirs = join(node.base, "usernetes-ƒtheirs");
  mkdirSync(theirs);
  chownSync(theirs, 64_321, 64_321);
  // Neither of the two stand-ins for sudo ends by itself.
  node.program("sudo", `exec yes '{"report": "found", "jobid": "6", "engine": "docker"}' >&2`);
  t.strictSame(await node.find(instance, true), [
    ...Array.from({ length: 64 }, () => "found 64321 6 docker"),
    ...["unseen 64321", END],
  ]);
  node.program("sudo", "trap '' TERM; while :; do sleep 60; done");
  t.strictSame(await node.find(instance, true, { searchS: 1 }), ["unseen 64321", END]);
});
