/** The variables of the site (usernetes.environment), and the directories that they name. */
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import t from "tap";
import { MARKER, newNode, without } from "../fakes/node.js";

const me = process.getuid?.() ?? 0;
const SHOWS = 'echo "$STORE|$XDG_RUNTIME_DIR|${TMPDIR:-none}"';

t.test("the node replaces a variable's placeholders, and no shell reads it", async (t) => {
  const node = newNode(t);
  node.site["STORE"] = "{uid} {host} $(id) `id` \"' ; {{x}}";
  t.strictSame(await node.call(["up", 9, 'printf "%s\\n" "$STORE"']), [
    `up: ok: ${me} ${hostname()} $(id) \`id\` "' ; {x}`,
  ]);
});

t.test("a step of another user gets the variables, but not as an argument of sudo", async (t) => {
  const node = newNode(t);
  node.program("sudo", `printf '%s\\n' "$*" >"$NOTES/sudo"; shift 3; exec "$@"`);
  node.site["STORE"] = "of {uid}";
  const { reports } = await node.startAs({ uid: me }, ["up", 9, 'echo "$STORE"']).ended;
  t.strictSame(reports, ["here", `up: ok: of ${me}`]);
  t.notMatch(node.noted("sudo")[0], "STORE");
});

t.test("a directory of XDG_RUNTIME_DIR or TMPDIR is made before the step", async (t) => {
  const node = newNode(t);
  const own = join(node.directory, "own");
  node.site = {
    XDG_RUNTIME_DIR: `${own}/{uid}/run`,
    TMPDIR: `${own}/{uid}/tmp`,
    STORE: `${own}/no`,
  };
  t.strictSame(await node.call(["up", 9, SHOWS]), [
    `up: ok: ${own}/no|${own}/${me}/run|${own}/${me}/tmp`,
  ]);
  for (const name of ["", "run", "tmp"])
    t.equal(statSync(join(own, String(me), name)).mode & 0o777, 0o700, name);
  t.notOk(existsSync(join(own, "no")), "no other variable makes one");
});

t.test("a directory in the work directory exists when that has the cluster's marker", async (t) => {
  const node = newNode(t);
  node.site = { TMPDIR: `${node.workdir}/tmp` };
  const runtime = existsSync(`/run/user/${me}`) ? `/run/user/${me}` : "";
  const bare = `${SHOWS}; mkdir -p "$USERNETES_WORKDIR/.usernetes/nodes/0"`;
  const stage = `${SHOWS}; echo "$USERNETES_MARKER" >"$USERNETES_WORKDIR/.usernetes/owner"`;
  t.strictSame(await node.call(["before-up", 9, bare], ["stage", 9, stage], ["up", 9, SHOWS]), [
    `before-up: ok: |${runtime}|none`,
    `stage: ok: |${runtime}|none`,
    `up: ok: |${runtime}|${node.workdir}/tmp`,
  ]);
});

t.test(
  "the first step fails if a directory cannot be made, with the place and what to do",
  async (t) => {
    const node = newNode(t);
    writeFileSync(join(node.directory, "file"), "");
    node.site = { XDG_RUNTIME_DIR: `${node.directory}/file/run` };
    t.strictSame(await node.call(["stage", 9, "touch $NOTES/ran"], ["up", 9, "true"]), [
      `stage: failed 1: XDG_RUNTIME_DIR (usernetes.environment): ${node.directory}/file/run cannot be made: Not a directory`,
    ]);
    t.notOk(node.has("ran"));
  },
);

t.test("the work directory keeps the variables for a teardown without an entry", async (t) => {
  const node = newNode(t);
  node.staged();
  node.site = { STORE: "of {uid}", A: "{{b" };
  await node.call(["up", 9, "true"]);
  const file = join(node.workdir, ".usernetes/site");
  t.equal(statSync(file).mode & 0o777, 0o600);
  const [, instance = ""] = MARKER.split(" ");
  t.match(await node.find(instance), [/^found .* A=\{\{b STORE=of \{uid\}$/]);
  node.site = {};
  await node.call(["down-v", 9, "true"]);
  t.match(await node.find(instance), [/STORE=of/], "a teardown changes nothing");
  for (const text of ["", "[1]", '{"A": 1}', "{", '"x"']) {
    writeFileSync(file, text);
    t.match(await node.find(instance), [/^found [0-9]+ [0-9]+ -$/], text);
  }
  writeFileSync(join(node.workdir, ".usernetes/owner"), "7 another\n");
  node.site = { STORE: "x" };
  await node.call(["up", 9, "true"]);
  t.equal(readFileSync(file, "utf8"), '"x"', "another cluster's directory");
});

t.test("the next step finds an engine that an earlier step starts", async (t) => {
  const node = newNode(t);
  node.staged();
  const run = join(node.directory, "run");
  node.site = { XDG_RUNTIME_DIR: run };
  const listens = `require("net").createServer().listen("${run}/docker.sock", () => process.exit())`;
  const socket = `${process.execPath} -e '${listens}'`;
  const shows = 'echo "${DOCKER_HOST:-none}"';
  t.strictSame(await node.call(["before-up", 9, `${shows}; ${socket}`], ["up", 9, shows]), [
    "before-up: ok: none",
    `up: ok: unix://${run}/docker.sock`,
  ]);
  node.site["DOCKER_HOST"] = "unix:///x";
  t.strictSame(await node.call(["up", 9, shows]), ["up: ok: unix:///x"]);
});

t.test(
  "a teardown whose directories cannot be made looks for leftovers if it may have any",
  async (t) => {
    const node = newNode(t);
    node.env["USERNETES_STAGED"] = "";
    writeFileSync(join(node.directory, "file"), "");
    node.site = { XDG_RUNTIME_DIR: `${node.directory}/file/run` };
    const why = `XDG_RUNTIME_DIR (usernetes.environment): ${node.directory}/file/run cannot be made: Not a directory`;
    t.strictSame(await node.call(["down-v", 9, "touch $NOTES/ran"]), [`down-v: ok: ${why}`]);
    t.notOk(node.has("ran"), "nothing was made without it");
    for (const staged of ["0", "0-3", undefined]) {
      if (staged === undefined) Reflect.deleteProperty(node.env, "USERNETES_STAGED");
      else node.env["USERNETES_STAGED"] = staged;
      t.strictSame(await node.call(["down-v", 9, `echo ${staged} >>$NOTES/asked`]), ["down-v: ok"]);
      t.ok(
        node.noted("asked").includes(String(staged)),
        "the directory may have been removed since",
      );
    }
    node.env["USERNETES_STAGED"] = "";
    mkdirSync(node.workdir);
    t.strictSame(await node.call(["down-v", 9, "touch $NOTES/ran; exit 3"]), [
      `down-v: failed 3: ${why}`,
    ]);
    t.ok(node.has("ran"));
  },
);

t.test("a link that somebody else has planted is not followed", { skip: me !== 0 }, async (t) => {
  const node = newNode(t);
  const { lchownSync, chmodSync } = await import("node:fs");
  const shared = join(node.directory, "shared");
  mkdirSync(shared);
  chmodSync(shared, 0o1777);
  symlinkSync(node.elsewhere, join(shared, "me"));
  lchownSync(join(shared, "me"), 4321, 4321);
  node.site = { TMPDIR: `${shared}/me/tmp` };
  t.strictSame(await node.call(["stage", 9, "true"]), [
    `stage: failed 1: TMPDIR (usernetes.environment): ${shared}/me belongs to uid 4321: remove it, or name a directory of the job's user`,
  ]);
  t.notOk(existsSync(join(node.elsewhere, "tmp")));
});

t.test("checks get the variables, and report a directory that cannot be made", async (t) => {
  const node = newNode(t);
  const ask = async (site: Record<string, string>) => {
    const agent = node.agent();
    const script = 'echo "store ok $STORE"';
    const env = without(node.env, "USERNETES_WORKDIR");
    agent.send({ do: "checks", env, site, seconds: 9, script });
    agent.send({ do: "end" });
    return (await agent.ended).reports.slice(1);
  };
  t.strictSame(await ask({ STORE: "{uid}" }), ["environment ok", `store ok ${me}`, "checked"]);
  t.strictSame(await ask({}), ["store ok", "checked"]);
  const [first = ""] = await ask({ TMPDIR: "/proc/none" });
  t.match(
    first,
    /^environment no TMPDIR \(usernetes\.environment\): \/proc\/none cannot be made: /,
  );
});

t.test("a PATH without sh fails the step with the PATH", async (t) => {
  const node = newNode(t);
  node.staged();
  node.site["PATH"] = "/nowhere";
  const [end = ""] = await node.call(["up", 9, "true"]);
  t.match(end, /^up: failed 1: sh does not start: .*; the PATH is \/nowhere$/);
});
