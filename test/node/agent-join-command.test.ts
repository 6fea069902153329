/** The join command: the lead's agent reports it, and a worker's reads it from its archive. */
import { existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { newNode, OWN, PRIVATE } from "../fakes/node.js";
import { JOIN_COMMAND, TOKEN } from "../fakes/playing-run.js";
import { until } from "../hosts/until.js";

t.test("join-command reports what make writes", (t) => {
  t.test("join-command reports the file of make, and no log has it", async (t) => {
    const node = newNode(t);
    node.staged();
    node.note("make.join-command", `echo chatter; printf '%s' '${JOIN_COMMAND}' >join-command`);
    t.strictSame(await node.call("join-command"), [
      `result join-command: ${JOIN_COMMAND}`,
      "join-command: ok: chatter",
    ]);
    t.notMatch(node.read(`${OWN}/join-command.log`), TOKEN);
  });

  t.test("join-command omits kubeadm's warnings from the same terminal", async (t) => {
    const node = newNode(t);
    node.staged();
    const warning = "W1124 20:59:01.123456      42 configset.go:202] kubeadm cannot validate";
    node.note(
      "make.join-command",
      `printf '%s\\n' 'set -eux' '${warning}' >join-command
    printf '%s' '${JOIN_COMMAND}' >>join-command; chmod 700 join-command`,
    );
    const [result] = await node.call("join-command");
    t.equal(result, `result join-command: set -eux\n${JOIN_COMMAND}`);
    t.equal(node.read("join-command"), `set -eux\n${JOIN_COMMAND}`, "nor is it run on a worker");
    t.equal(statSync(join(node.workdir, "join-command")).mode & 0o777, 0o700);
  });

  t.test("join-command fails if make writes no file, or an unreadable one", async (t) => {
    const node = newNode(t);
    node.staged();
    const nothing = ["join-command: failed 1: it produced no output"];
    t.strictSame(await node.call("join-command"), nothing);
    node.note("make.join-command", `echo >join-command`);
    t.strictSame(await node.call("join-command"), nothing);
    node.plant("fifo", `${node.workdir}/x`);
    node.note("make.join-command", `mv x join-command`);
    t.strictSame(await node.call("join-command"), nothing);
  });

  t.test("a failed join-command reports no file", async (t) => {
    const node = newNode(t);
    node.staged();
    node.note("make.join-command", "echo half >join-command; exit 1");
    t.match(await node.call("join-command"), [/^join-command: failed 1/]);
  });
  t.end();
});

t.test("fetch-join extracts the archive on each worker", (t) => {
  t.test("fetch-join extracts the join-command in a private directory", async (t) => {
    const node = newNode(t);
    node.staged();
    node.env["FAKE_ARCHIVE"] = "kubeadm join ...";
    t.strictSame(await node.call("fetch-join"), ["fetch-join: ok"]);
    t.equal(node.read("join-command"), "kubeadm join ...\n");
    t.equal(statSync(join(node.workdir, "join-command")).mode & 0o777, 0o600);
    const [mode, directory = ""] = node.noted("extracted");
    t.equal(mode, "drwx------");
    t.ok(directory.startsWith(join(node.temporary, `${PRIVATE}.`)), directory);
    t.strictSame(node.litter, []);
    node.env["FAKE_ARCHIVE"] = "another";
    t.strictSame(await node.call("fetch-join"), ["fetch-join: ok"]);
    t.equal(node.read("join-command"), "another\n", "repeated, it is replaced");
  });

  t.test("fetch-join keeps the lead's file in a shared work directory", async (t) => {
    const node = newNode(t);
    node.staged();
    node.env["USERNETES_LEAD"] = "7";
    node.env["FAKE_ARCHIVE"] = "x";
    mkdirSync(join(node.workdir, ".usernetes/nodes/7"));
    writeFileSync(join(node.workdir, "join-command"), "the lead's");
    t.strictSame(await node.call("fetch-join"), ["fetch-join: ok shared"]);
    t.equal(node.read("join-command"), "the lead's");
  });

  t.test("fetch-join fails if there is no archive, or an empty one", async (t) => {
    const node = newNode(t);
    node.staged();
    t.strictSame(await node.call("fetch-join"), ["refused: flux-archive: no such archive"]);
    node.env["FAKE_ARCHIVE"] = " ";
    t.match(await node.call("fetch-join"), [/^refused: the archive \S+ has no join-command$/]);
    t.strictSame(node.litter, []);
    t.notOk(existsSync(join(node.workdir, "join-command")));
  });

  for (const end of ["kill", "hangUp"] as const)
    t.test(`fetch-join leaves no file if the ${end} comes before the archive`, async (t) => {
      const node = newNode(t);
      node.staged();
      node.program(
        "flux",
        '[ "$1" != getattr ] || { echo 0; exit; }; echo >"$NOTES/asked"; exec sleep 30',
      );
      const agent = node.agent();
      agent.send(node.stepsRequest(["fetch-join"]));
      await until("it is asked", () => node.has("asked"));
      t.equal(node.litter.length, 1);
      agent[end]("SIGTERM");
      await agent.ended;
      t.strictSame(node.litter, []);
    });
  t.end();
});
