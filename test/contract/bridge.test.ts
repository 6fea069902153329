/** Tests of the bridge's protocol: the messages that it sends and the requests that it accepts. */
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { unlinkArchive } from "../../lib/flux/archive.js";
import { BRIDGE, BridgeUnderTest, CALL, type Message } from "./bridge-under-test.js";
import { contract } from "./contract.js";
import { eventsUntil, names, output } from "./flux-under-test.js";

const uid = process.getuid?.() ?? 0;

contract(async (t, flux) => {
  const early = await output(flux, "submit", "-N1", "--setattr=user.usernetes=yes", "sleep", "60");
  await eventsUntil(flux, early, "start");
  const bridge = await BridgeUnderTest.open(flux);
  const earlyId = await output(flux, "job", "id", "--to=dec", early);

  await t.test("the bridge identifies itself, sends the history, and marks its end", async (t) => {
    const [ready, job, due, sentinel] = bridge.messages.filter(({ type }) => type !== "online");
    const starttime = Number(await output(flux, "getattr", "broker.starttime"));
    t.same(ready, { type: "ready", rank: 0, size: 4, owner: uid, starttime });
    t.match(job, { type: "job", id: earlyId, userid: uid, duration: 0 });
    t.same(due, { type: "due", id: earlyId });
    t.same(sentinel, { type: "sentinel" });
  });

  await t.test("a job that already runs is not held", async (t) => {
    await output(flux, "cancel", early);
    const log = names(await eventsUntil(flux, early, "epilog-start"));
    t.notOk(log.includes("prolog-start"));
    await bridge.request("post", {
      id: earlyId,
      name: "epilog-finish",
      context: { description: "usernetes" },
    });
    await eventsUntil(flux, early, "clean");
  });

  await t.test("a second bridge is refused, and so is one on another rank", async (t) => {
    const second = await flux.run(["python", BRIDGE]);
    t.equal(second.exitCode, 1);
    t.same(JSON.parse(second.stdout), {
      type: "refused",
      reason: "exists",
      error: "the service usernetes is registered already",
    });
    const elsewhere = await flux.run(["exec", "-r", "1", "flux", "python", BRIDGE]);
    t.equal(elsewhere.exitCode, 1);
    t.match(JSON.parse(elsewhere.stdout), { type: "refused", reason: "rank" });
  });

  await t.test("the bridge answers ping from any rank", async (t) => {
    const answer =
      /^flux-ping any!usernetes\n0!usernetes\.ping pad=0 seq=0 time=[0-9.]+ ms \(usernetes\)\n/;
    const here = await flux.run(["ping", "--count=1", "usernetes"]);
    t.equal(here.exitCode, 0);
    t.match(here.stdout, answer);
    const there = await flux.run(["exec", "-r", "2", "flux", "ping", "--count=1", "usernetes"]);
    t.match(there.stdout, answer);
  });

  await t.test("a job is reported with its usernetes attributes only", async (t) => {
    const attributes = ["user.usernetes=yes", "user.usernetes_engine=podman", "user.other=1"];
    const options = attributes.map((text) => `--setattr=${text}`);
    const job = await output(flux, "submit", "-N1", "-t", "1m", ...options, "true");
    const id = await output(flux, "job", "id", "--to=dec", job);
    t.same(await bridge.job(id), {
      type: "job",
      id,
      userid: uid,
      user: { usernetes: "yes", usernetes_engine: "podman" },
      duration: 60,
    });
    await eventsUntil(flux, job, "alloc");
    t.same(await bridge.request("post", { id, name: "note", context: { a: 1 } }), { value: null });
    t.same(await bridge.request("memo", { id, memo: { usernetes: { state: "starting" } } }), {
      value: null,
    });
    const state = "{annotations.user.usernetes.state}";
    t.equal(await output(flux, "jobs", "-no", state, job), "starting");
    t.same(await bridge.request("raise", { id, kind: "usernetes", severity: 3, note: "a b" }), {
      value: null,
    });
    // The job is canceled while its prolog still holds it, so that epilog-start arrives in time.
    await output(flux, "cancel", job);
    await eventsUntil(flux, job, "epilog-start");
    for (const name of ["prolog-finish", "epilog-finish"])
      await bridge.request("post", { id, name, context: { description: "usernetes" } });
    const log = await eventsUntil(flux, job, "clean");
    const middle = names(log).filter((name) => ["note", "memo", "exception"].includes(name));
    t.same(middle, ["note", "memo", "exception", "exception"]);
    const inactive = { errno: 2, error: "job is inactive" };
    t.same(await bridge.request("memo", { id, memo: {} }), inactive);
    t.same(await bridge.request("raise", { id, kind: "x", severity: 3, note: "" }), inactive);
    t.match(await bridge.request("post", { id, name: "x", context: {} }), { errno: 2 });
    t.same(await bridge.request("update", { id, updates: { "attributes.system.duration": 90 } }), {
      errno: 22,
      error: "job is inactive",
    });
  });

  await t.test("a job is due once it has its nodes or is over", async (t) => {
    const due = (id: string) =>
      bridge.messages.filter((message) => message.type === "due" && message["id"] === id);
    const isDue = (id: string) =>
      bridge.message((message) => message.type === "due" && message["id"] === id);
    const other = await output(flux, "submit", "-N4", "--exclusive", "sleep", "60");
    await eventsUntil(flux, other, "start");
    const ask = ["submit", "-N4", "--setattr=user.usernetes=yes", "true"];
    const job = await output(flux, ...ask);
    const id = await output(flux, "job", "id", "--to=dec", job);
    await bridge.job(id);
    await output(flux, "job", "raise", "--severity=1", "--type=mine", job);
    await bridge.request("list", { key: "nosuch" });
    t.same(due(id), [], "not while it waits, nor for an exception that means nothing");
    const never = await output(flux, ...ask);
    const neverId = await output(flux, "job", "id", "--to=dec", never);
    await output(flux, "cancel", never);
    await isDue(neverId);
    await bridge.request("post", {
      id: neverId,
      name: "prolog-finish",
      context: { description: "usernetes" },
    });
    await eventsUntil(flux, never, "clean");
    await output(flux, "cancel", other);
    await isDue(id);
    await output(flux, "cancel", job);
    await eventsUntil(flux, job, "epilog-start");
    for (const name of ["prolog-finish", "epilog-finish"])
      await bridge.request("post", { id, name, context: { description: "usernetes" } });
    await eventsUntil(flux, job, "clean");
    t.equal(due(id).length, 1, "once");
    t.equal(due(neverId).length, 1);
    for (const ended of [id, neverId])
      await bridge.message((message) => message.type === "inactive" && message["id"] === ended);
  });

  await t.test("unknown attributes are not reported, and long ones are cut", async (t) => {
    const attributes = ["usernetes=yes", "usernetes_$(reboot)=1", "usernetes_=1", "__proto__=1"];
    const long = `usernetes_engine=${"x".repeat(100_000)}`;
    const options = [...attributes, long].map((text) => `--setattr=user.${text}`);
    const job = await output(flux, "submit", "--urgency=hold", ...options, "true");
    const id = await output(flux, "job", "id", "--to=dec", job);
    const reported = await bridge.job(id);
    t.same(reported["user"], { usernetes: "yes", usernetes_engine: [`"${"x".repeat(79)}...`] });
    const context = { description: "usernetes", status: 0 };
    await bridge.request("post", { id, name: "prolog-finish", context });
    await output(flux, "cancel", job);
    await eventsUntil(flux, job, "clean");
  });

  await t.test("an invalid request is refused alone", async (t) => {
    t.match(await bridge.request("frob", {}), { errno: 22 });
    t.match(await bridge.request("memo", { id: "many", memo: {} }), { errno: 22 });
    t.match(await bridge.request("lookup", {}), { errno: 22 });
  });

  await t.test("an invalid ping is refused", async (t) => {
    const ping = `import flux, sys
try: flux.Flux().rpc("usernetes.ping", eval(sys.argv[1])).get()
except OSError as exc: print(exc.errno)`;
    for (const payload of ["'[1]'", "'5'", "'{'", "'[' * 100000", "b'\\xff'"])
      t.equal(await output(flux, "python", "-c", ping, payload), "71", payload);
    t.equal((await flux.run(["ping", "--count=1", "usernetes"])).exitCode, 0);
  });

  await t.test("a call from any rank is reported and gets its answer", async (t) => {
    const call = (rank: number, payload: string) =>
      flux.run([
        "exec",
        "-r",
        String(rank),
        "flux",
        "python",
        CALL,
        "usernetes.clean",
        payload,
        "20",
      ]);
    const reports = (n: number) =>
      bridge.message((message) => message.type === "call" && message["call"] === n);
    const asked = call(2, '{"jobid":"all"}');
    t.match(await reports(1), { method: "clean", userid: uid, payload: { jobid: "all" } });
    await bridge.request("answer", { call: 1, value: { clusters: [] } });
    t.match(await asked, { exitCode: 0, stdout: '{"clusters": []}\n' });
    const refused = call(0, "5");
    await reports(2);
    await bridge.request("answer", { call: 2, errno: 16, error: "it is active" });
    const { stderr, exitCode } = await refused;
    t.equal(exitCode, 1);
    t.match(stderr, /^16 it is active\n/);
    const other = await flux.run(["python", CALL, "nosuch.clean", "5", "20"]);
    t.match(other, {
      exitCode: 1,
      stderr: /^38 No service matching nosuch\.(clean|pid) is registered\n/,
    });
  });

  await t.test("an unknown job is reported as unknown", async (t) => {
    const unknown = { errno: 2, error: "unknown job id" };
    const id = "1234";
    t.same(await bridge.request("memo", { id, memo: { a: 1 } }), unknown);
    t.same(await bridge.request("raise", { id, kind: "x", severity: 0, note: "" }), unknown);
    t.same(await bridge.request("post", { id, name: "x", context: {} }), {
      errno: 2,
      error: "No such file or directory",
    });
  });

  await t.test("one transaction writes, appends and removes", async (t) => {
    const line = '{"timestamp":1.5,"name":"claim"}\n';
    const ops = [
      ["append", "usernetes.log", line],
      ["append", "usernetes.log", line],
      ["put", "usernetes.cluster.12", { a: 1, b: "ƒ" }],
      ["unlink", "usernetes.nosuch"],
    ];
    t.same(await bridge.request("commit", { ops }), { value: null });
    t.same(await bridge.request("lookup", { key: "usernetes.log" }), { value: line + line });
    const { value } = await bridge.request("lookup", { key: "usernetes.cluster.12" });
    t.same(JSON.parse(String(value)), { a: 1, b: "ƒ" });
    t.same(await bridge.request("list", { key: "usernetes" }), { value: ["cluster", "log"] });
    t.same(await bridge.request("list", { key: "usernetes.cluster" }), { value: ["12"] });
    await bridge.request("commit", { ops: [["unlink", "usernetes.cluster.12"]] });
    t.same(await bridge.request("lookup", { key: "usernetes.cluster.12" }), { value: null });
    t.same(await bridge.request("list", { key: "nosuch" }), { value: [] });
    t.match(await bridge.request("lookup", { key: "usernetes" }), { errno: 21 });
    t.match(await bridge.request("list", { key: "usernetes.log" }), { errno: 20 });
  });

  await t.test("a transaction removes an archive, or succeeds without one", async (t) => {
    const archive = (...args: string[]) =>
      flux.run(["exec", "-n", "-r", "0", "flux", "archive", ...args]);
    const file = ["-C", flux.disk, "archived"];
    await flux.run(["exec", "-n", "-r", "0", "sh", "-c", `echo secret >${flux.disk}/archived`]);
    for (const preserve of flux.kind === "real" ? [[], ["--preserve"]] : [[]]) {
      t.match(await archive("create", "--name", "gone", ...preserve, ...file), { exitCode: 0 });
      for (let twice = 0; twice < 2; twice++)
        t.same(await bridge.request("commit", { ops: unlinkArchive("gone") }), { value: null });
      t.same(await bridge.request("list", { key: "archive" }), { value: [] });
      for (const verb of ["list", "extract"])
        t.match(await archive(verb, "--name", "gone"), {
          exitCode: 1,
          stderr: /^flux-archive: KVS lookup archive\.gone: No such file or directory\n/,
        });
      t.match(await archive("remove", "--name", "gone"), {
        exitCode: 1,
        stderr: /^flux-archive: archive\.gone does not exist\n/,
      });
    }
  });

  await t.test("the bridge drains nodes and writes to the log", async (t) => {
    t.same(await bridge.request("drain", { ranks: "3", reason: "usernetes: left behind" }), {
      value: null,
    });
    t.match(await output(flux, "resource", "drain"), /drained\s+usernetes: left behind\s+node3/);
    t.match(await bridge.request("drain", { ranks: "9", reason: "x" }), { errno: 22 });
    t.same(await bridge.request("drained", {}), { value: { "3": "usernetes: left behind" } });
    const back = { ranks: "3", reason: "usernetes: nothing is left" };
    t.same(await bridge.request("undrain", back), { value: null });
    t.same(await bridge.request("drained", {}), { value: {} });
    t.same(await bridge.request("undrain", back), { value: null }, "it can be repeated");
    await bridge.request("log", { level: 6, text: "100% done" });
    t.match(await output(flux, "dmesg"), /usernetes\.info\[0\]: 100% done/);
    // `notify` succeeds although no service manager listens here.
    t.same(await bridge.request("notify", { state: "READY=1" }), { value: null });
  });

  await t.test("the bridge and its service end with its stdin", async (t) => {
    t.equal(await bridge.close(), 0);
    t.match(await flux.run(["ping", "--count=1", "usernetes"]), {
      exitCode: 1,
      stderr: /usernetes\.ping: Function not implemented/,
    });
  });

  await t.test(
    "the bridge under a prolog that holds marks other jobs and posts nothing",
    async (t) => {
      const socket = (await output(flux, "getattr", "local-uri")).replace("local://", "");
      const directory = join(dirname(socket), "usernetes.plain");
      const printed = () => readdirSync(directory).sort();
      const until = async (...jobs: string[]) => {
        const names = jobs.map((job) => job.replace("ƒ", "f")).sort();
        for (let look = 0; look < 100 && printed().join() !== names.join(); look++) await sleep(50);
        t.same(printed(), names);
      };
      const plain = await output(flux, "submit", "-n1", "sleep", "60");
      mkdirSync(directory);
      writeFileSync(join(directory, "f1"), "of a job long gone");
      const idle = await BridgeUnderTest.open(flux, "--perilog");
      await until(plain);
      t.equal(statSync(directory).mode & 0o777, 0o700);
      const job = await output(flux, "submit", "-n1", "--setattr=user.usernetes=yes", "true");
      t.notOk(names(await eventsUntil(flux, job, "clean")).includes("prolog-start"));
      t.equal(idle.messages.filter((message: Message) => message.type === "job").length, 1);
      const no = await output(flux, "submit", "-N4", "--setattr=user.usernetes=no", "true");
      await until(plain, no);
      await output(flux, "cancel", plain);
      await eventsUntil(flux, no, "clean");
      await until();
      await idle.close();
      t.notOk(existsSync(directory), "which cannot be known without it");
    },
  );

  await t.test("a killed bridge frees the service's name and fails open calls", async (t) => {
    const killed = await BridgeUnderTest.open(flux);
    const asked = flux.run(["python", CALL, "usernetes.clean", "5", "20"]);
    await killed.message((message) => message.type === "call");
    killed.command.child.kill("SIGKILL");
    await killed.command.ended;
    const next = await BridgeUnderTest.open(flux);
    t.match(next.messages[0], { type: "ready" });
    t.match(await asked, {
      exitCode: 1,
      stderr: /^(11 the daemon was restarted meanwhile: try again|38 No service matching )/,
    });
    await next.close();
  });
});
