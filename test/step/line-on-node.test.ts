import { existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { join } from "node:path";
import t from "tap";
import { until } from "../hosts/until.js";
import { lineScript } from "../../lib/step/scripts.js";
import { MARKER, Node, NONCE, OWN } from "../fakes/node.js";
import { JOIN_COMMAND } from "../fakes/playing-run.js";

function newNode(t: { teardown(act: () => void): unknown }): Node {
  const node = new Node();
  t.teardown(() => {
    node.remove();
  });
  node.staged();
  return node;
}

const said = (stderr: string) => stderr.split("\n").map((line) => line.replace(`${NONCE} `, ""));

t.test("a node takes the steps that are said to its rank, in that order, and waits", async (t) => {
  const node = newNode(t);
  mkdirSync(join(node.workdir, ".usernetes/nodes/3"));
  const line = node.line(3, ["stage", "echo 1"], ["up", "true"], ["kubeadm-init", "exit 9"]);
  line.say("0-2,4 up");
  line.say("0-4 up stage");
  line.say("3 kubeadm-init stage");
  line.say("2-3 up");
  line.hangUp();
  const { stderr, exitCode } = await line.ended;
  t.equal(exitCode, 0);
  t.strictSame(said(stderr), [
    ...["here", "end up 0", "tail stage 1\u001e", "end stage 0"],
    ...["end kubeadm-init 9", "end up 0", "gone"],
  ]);
  t.equal(node.read(".usernetes/nodes/3/stage.log"), "1\n", "their output is kept as always");
});

t.test("it says that it is there before it looks around, which may take long", async (t) => {
  const node = newNode(t);
  const wait = "until [ -e $NOTES/go ]; do /bin/sleep 0.02; done";
  node.program("grep", `${wait}; exec /bin/grep "$@"`);
  const line = node.line(0, ["up", "true"]);
  line.say("0 up");
  line.hangUp();
  await until("it is there", () => line.heard().includes(" here\n"), { limitMs: 20_000 });
  node.note("go", "");
  t.strictSame(said((await line.ended).stderr), ["here", "end up 0", "gone"]);
});

t.test("what a step gives is said in base64, and is nowhere else", async (t) => {
  const node = newNode(t);
  const line = node.line(0, ["join-command", "echo secret >&3; echo public"]);
  line.say("0 join-command");
  line.hangUp();
  const { stderr, stdout } = await line.ended;
  const result = Buffer.from("secret\n").toString("base64");
  t.strictSame(said(stderr), [
    "here",
    "tail join-command public\u001e",
    `result join-command ${result}`,
    "end join-command 0",
    "gone",
  ]);
  t.equal(stdout, "");
  t.strictSame(readdirSync(join(node.workdir, OWN)).sort(), ["join-command.log", "node.env"]);
  t.equal(node.read(`${OWN}/join-command.log`), "public\n");
});

t.test(
  "who looks for output that is too long finds no pipe of the shell's in its place",
  async (t) => {
    const node = newNode(t);
    const look = 'for fd in 4 5; do readlink "/proc/$PPID/fd/$fd"; done >>"$NOTES/open"';
    for (const program of ["base64", "mktemp"])
      node.program(program, `${look}; exec /usr/bin/${program} "$@"`);
    const line = node.line(0, ["join-command", "echo given >&3"], ["down-v", "true"]);
    line.say("0 join-command down-v");
    line.hangUp();
    await line.ended;
    t.strictSame(node.noted("open"), Array<string>(4).fill("/dev/null"));
  },
);

t.test("a step that fails gives nothing", async (t) => {
  const node = newNode(t);
  const line = node.line(0, ["join-command", "echo half >&3; exit 1"]);
  line.say("0 join-command");
  line.hangUp();
  t.strictSame(said((await line.ended).stderr), ["here", "end join-command 1", "gone"]);
});

t.test("fetch-join takes the join-command out of the archive by itself", async (t) => {
  const node = newNode(t);
  node.env = { ...node.env, FAKE_ARCHIVE: "kubeadm join x" };
  const line = node.line(1, ["fetch-join", lineScript("fetch-join")]);
  line.say("1-3 fetch-join");
  line.hangUp();
  t.strictSame(said((await line.ended).stderr), ["here", "end fetch-join 0", "gone"]);
  t.equal(node.read("join-command"), "kubeadm join x\n");
  t.strictSame(node.litter, []);
});

t.test("or has the one that it was given, without a trace of it elsewhere", async (t) => {
  const node = newNode(t);
  const text = `#!/bin/sh\n\nset -eux\n# '"$(date)"' \\n\n${JOIN_COMMAND}`;
  const traces = `cat /proc/self/environ /proc/*/cmdline >"$NOTES/seen" 2>/dev/null; ls -la "$TMPDIR" >>"$NOTES/seen"`;
  const line = node.line(
    1,
    ["up", traces],
    ["fetch-join", `${traces}\n${lineScript("fetch-join")}`],
  );
  line.say(`give ${Buffer.from(text).toString("base64")}`);
  line.say("1-3 up fetch-join");
  line.say("0-3 fetch-join");
  line.hangUp();
  t.strictSame(said((await line.ended).stderr), [
    ...["here", "end up 0", "end fetch-join 0", "end fetch-join 0", "gone"],
  ]);
  t.equal(node.read("join-command"), text);
  t.equal(statSync(join(node.workdir, "join-command")).mode & 0o777, 0o600);
  const seen = node.noted("seen").join("\n");
  for (const part of [text, Buffer.from(text).toString("base64")])
    t.notOk(seen.includes(part.slice(-40, -4)));
  t.strictSame(node.litter, []);
});

t.test("and says why it could not", async (t) => {
  const node = newNode(t);
  const line = node.line(1, ["fetch-join", lineScript("fetch-join")]);
  line.say("1 fetch-join");
  line.hangUp();
  t.strictSame(said((await line.ended).stderr), [
    ...["here", "tail fetch-join flux-archive: no such archive", "end fetch-join 1", "gone"],
  ]);
  t.notOk(existsSync(join(node.workdir, "join-command")));
  t.strictSame(node.litter, []);
});

t.test("TERM ends it while it waits, and with what it is at", async (t) => {
  const node = newNode(t);
  const waiting = node.line(0, ["up", "true"]);
  const busy = node.line(0, ["stage", "sleep 100"]);
  busy.say("0 stage");
  await sleep(1_000);
  waiting.kill("SIGTERM");
  busy.kill("SIGTERM");
  const before = Date.now();
  await Promise.all([waiting.ended, busy.ended]);
  t.ok(Date.now() - before < 10_000);
});

t.test("a join-command step that gives nothing has failed", async (t) => {
  const node = newNode(t);
  const line = node.line(0, ["join-command", ":"]);
  line.say("0 join-command");
  line.hangUp();
  t.strictSame(said((await line.ended).stderr), [
    ...["here", "tail join-command it gave nothing", "end join-command 1", "gone"],
  ]);
});

t.test("a shell that is killed is told of", async (t) => {
  const node = newNode(t);
  // $PPID is what is above what keeps it: timeout(1), and above that is run.sh.
  const above = "above() { cut -d ' ' -f 4 </proc/$1/stat; }";
  const line = node.line(0, ["up", `${above}; kill -KILL $(above $(above $PPID))`]);
  line.say("0 up");
  const { stderr } = await line.ended;
  t.strictSame(
    said(stderr).filter((words) => words !== "Killed"),
    ["here", "gone"],
  );
});

t.test("a line ends what an earlier one of this cluster has left", async (t) => {
  const node = newNode(t);
  t.match(node.env["USERNETES_MARKER"], MARKER);
  const earlier = node.startAs("earlier", ["up", 60, "sleep 100"]);
  await sleep(500);
  const line = node.line(0, ["up", "true"], ["stage", "true"]);
  line.say("0 up");
  line.hangUp();
  t.strictSame(said((await line.ended).stderr), ["here", "end up 0", "gone"]);
  t.equal((await earlier.ended).exitCode, 143);
});

t.test("of a cluster that was just claimed no processes are looked at", async (t) => {
  const node = newNode(t);
  node.program("grep", 'echo "$*" >>"$NOTES/looked"; exec /bin/grep "$@"');
  for (const untouched of [true, false]) {
    t.notOk(node.has("looked"));
    const line = node.lineOf({ untouched }, 0, ["up", "true"]);
    line.say("0 up");
    line.hangUp();
    t.strictSame(said((await line.ended).stderr), ["here", "end up 0", "gone"]);
  }
  t.ok(node.has("looked"), "of any other, they are");
});
