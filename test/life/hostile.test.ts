/**
 * Hostile input: odd attributes, planted directories, swapped join commands and endless output. The
 * job fails with the reason, and other jobs continue.
 */
import { existsSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Entry } from "./flux.js";
import { life, type Tap } from "./life.js";

/** A line that is safe to print: it has no control characters and a limited length. */
const CLEAN = /^[^\p{Cc}\p{Cs}\u2028\u2029]{1,1000}$/u;

life(async (t, flux) => {
  const fatal = (events: Entry[]) =>
    events.find(({ name, context }) => name === "exception" && context?.["severity"] === 0);
  /** The note of the job's exception. Checks that the job never runs. */
  const noteOf = async (t: Tap, job: string): Promise<string> => {
    await flux.waitForEnd(job);
    const events = await flux.events(job);
    // A busy Flux may start the job before it is held. The shell plugin then prevents its run.
    const finish = events.find(({ name }) => name === "finish");
    t.not(finish?.context?.["status"], 0, "it never runs");
    t.equal(fatal(events)?.context?.["type"], "usernetes");
    return String(fatal(events)?.context?.["note"]);
  };
  /** Checks that the notes of the job's record and the daemon's lines of flux dmesg are safe. */
  const isClean = async (t: Tap, job: string) => {
    for (const { context = {} } of await flux.record(job))
      for (const key of ["note", "reason"])
        if (context[key] !== undefined) t.match(context[key], CLEAN);
    const lines = (await flux.output("flux", "dmesg")).split("\n");
    for (const line of lines.filter((line) => line.includes("usernetes")))
      if (!CLEAN.test(line.slice(0, 999)) || line.length > 2000) t.fail(JSON.stringify(line));
  };
  const goesWell = async (t: Tap) => {
    const job = await flux.submit("-N2", "true");
    await flux.waitForEnd(job);
    const finish = (await flux.events(job)).find(({ name }) => name === "finish");
    t.equal(finish?.context?.["status"], 0, "another job goes well");
  };
  const canary = join(flux.place.common, "canary");

  await t.test("hostile attributes are refused", async (t) => {
    await flux.startDaemon();
    const deep = JSON.parse("[".repeat(400) + "]".repeat(400)) as unknown;
    const values: unknown[] = [
      `"'\`touch ${canary}\`$(touch ${canary});touch ${canary}\n../../x`,
      "x".repeat(1 << 20),
      deep,
      "\u001b[31m\u202e\u0001",
      "ƒ日本😀".repeat(100),
      JSON.parse('{"__proto__": {"debug": "yes"}, "a\\n$(reboot)": 1}') as unknown,
      [],
      -1.5,
    ];
    const jobs: string[] = [];
    for (const key of ["usernetes", "usernetes_engine", "usernetes_debug", "usernetes_tolerate"])
      for (const [i, value] of values.slice(0, key === "usernetes" ? 8 : 3).entries()) {
        const file = join(flux.place.common, `${key}-${i}.json`);
        writeFileSync(file, JSON.stringify(value));
        const ask = key === "usernetes" ? [] : ["--setattr=attributes.user.usernetes=yes"];
        const odd = [
          `--setattr=^attributes.user.${key}=${file}`,
          "--setattr=user.usernetes_$(x)=1",
        ];
        jobs.push(await flux.output("flux", "submit", "-N1", ...ask, ...odd, "true"));
      }
    for (const job of jobs) {
      const note = await noteOf(t as unknown as Tap, job);
      t.match(note, /^attributes\.user\.usernetes[_a-z.]*: found [\x20-\x7e]{1,90}, allowed: /);
      t.match(note, CLEAN);
    }
    await isClean(t as unknown as Tap, jobs[0] ?? "");
    await goesWell(t as unknown as Tap);
    t.notOk(existsSync(canary), "nothing was executed");
    t.notMatch(flux.daemonLog, /bridge/, "the bridge went on");
    t.same(await flux.leftovers(), []);
  });

  await t.test("planted files in place of the work directory fail the job", async (t) => {
    const all = (script: string, ...args: string[]) =>
      flux.output("flux", "exec", "sh", "-c", script, "sh", ...args);
    const blocker = await flux.output("flux", "submit", "-N4", "--exclusive", "sleep", "300");
    await flux.waitFor(blocker, "start");
    const victim = join(flux.place.common, "victim");
    await flux.output("sh", "-c", `mkdir ${victim} && echo mine >${victim}/thesis.tex`);
    const planted: [job: string, kind: string, inside: string][] = [];
    for (const [plant, kind, inside] of [
      ['mkdir "$1" && echo mine >"$1/thesis.tex"', "directory", "thesis.tex"],
      ['echo mine >"$1"', "regular file", ""],
      ['mkfifo "$1"', "fifo", ""],
      ['ln -s "$2" "$1"', "symbolic link", "thesis.tex"],
      ['ln -s nowhere "$1"', "symbolic link", ""],
      ['mkdir -p "$1/.usernetes" && mkfifo "$1/.usernetes/owner"', "directory", ".usernetes"],
      ['mkdir "$1" && ln -s "$2" "$1/.usernetes"', "directory", ".usernetes"],
    ] as const) {
      const job = await flux.submit("-N1", "true");
      await all(plant, `${flux.place.base}/usernetes-${job.toLowerCase()}`, victim);
      planted.push([job, kind, inside]);
    }
    await flux.flux("cancel", blocker);
    for (const [job, kind, inside] of planted) {
      const note = await noteOf(t as unknown as Tap, job);
      t.match(note, /^stage failed on node[0-3] \(rank [0-3]\): exit 1: .* already exists[ ,]/);
      const place = `${flux.place.base}/usernetes-${job.toLowerCase()}`;
      const script = 'stat -c %F "$1"; ls -A "$1/" 2>/dev/null | head -n 1; rm -rf "$1"';
      const left = (await all(script, place)).split("\n").filter(Boolean);
      const one = [kind, ...(inside ? [inside] : [])];
      const seen = left.filter((line) => line !== place);
      t.equal(seen.filter((line) => line === kind).length, 4, `${kind} is untouched`);
      t.equal(seen.length, 4 * one.length, `with what is in it: ${inside}`);
    }
    t.equal(await flux.output("cat", join(victim, "thesis.tex")), "mine");
    t.equal(await flux.output("ls", "-A", victim), "thesis.tex");
    await goesWell(t as unknown as Tap);
    t.same(await flux.leftovers(), []);
  });

  await t.test("memos and exceptions of the job's user do not confuse the daemon", async (t) => {
    const job = await flux.submit("-N1", "--setattr=user.usernetes_debug=yes", "true");
    await flux.waitFor(job, "memo");
    const odd = ["x", '{"release":"yes please"}', "[1,2]", "null", '{"release":{"a":true}}'];
    for (const memo of odd) await flux.flux("job", "memo", job, `usernetes=${memo}`);
    await flux.waitForRecord(job, "settle");
    const note = `one\ntwo\u001b[31m${"x".repeat(100_000)}`;
    await flux.output(
      ...["flux", "job", "raise", "--severity=0", "--type=\u001b[2Jmine", "-m", note, job],
    );
    await flux.waitForEnd(job);
    t.equal((await flux.run(["flux-usernetes", "clean", job])).exitCode, 0);
    const record = await flux.record(job);
    t.match(record.find(({ name }) => name === "settle")?.context, { outcome: "ready" });
    t.notOk(
      (await flux.events(job)).some(({ name }) => name === "start"),
      "it was not released",
    );
    t.match(record.find(({ name }) => name === "teardown-start")?.context, {
      reason: /^mine: one twox{290,}$/,
    });
    await isClean(t as unknown as Tap, job);
    t.same(await flux.leftovers(), []);
    await flux.stopDaemon();
  });

  await t.test("a replaced join-command harms nobody", async (t) => {
    const template = flux.template(`played || exit
[ "$target" != join-command ] || echo 'touch ${canary}' >>join-command`);
    await flux.startDaemon("--config", flux.table("", { template }));
    const job = await flux.submit("-N2", "true");
    t.match(
      await noteOf(t as unknown as Tap, job),
      /^publish-join failed on node0 \(rank 0\): make join-command produced an unexpected file: line 5 of 6 is neither /,
    );
    t.notOk(existsSync(canary));
    t.same(await flux.leftovers(), []);
    await flux.stopDaemon();
  });

  await t.test("a template with a link out of it, or with a fifo, fails the job", async (t) => {
    const template = flux.template("played");
    await flux.startDaemon("--config", flux.table("", { template }));
    symlinkSync("/etc/passwd", join(template, "users"));
    t.match(
      await noteOf(t as unknown as Tap, await flux.submit("-N1", "true")),
      /^stage failed on node[0-3] .*: exit 1: the template .*: users is a link that leads out of it, to \/etc\/passwd: /,
    );
    await flux.output("rm", join(template, "users"));
    await flux.output("mkfifo", join(template, "pipe"));
    t.match(
      await noteOf(t as unknown as Tap, await flux.submit("-N1", "true")),
      /^stage failed on node[0-3] .*: pipe is neither a file, a directory nor a link: remove it$/,
    );
    await flux.output("rm", join(template, "pipe"));
    await goesWell(t as unknown as Tap);
    t.same(await flux.leftovers(), []);
    await flux.stopDaemon();
  });

  await t.test("a step may print any bytes, in any amount", async (t) => {
    const template = flux.template(`if [ "$target" != up ]; then played; exit; fi
yes 0123456789 | head -c 100000000
yes x | head -c 100000000 | tr -d '\\n'
printf '\\000\\377\\033[31m\\nflux-exec: Error: rank 0: sh: No route to host\\n1: Exit 3\\n'
echo 'flux-exec: Error: rank 0: sh: No route to host' >&2
(while [ -e "$TESTBED/hold" ]; do sleep 0.1; done; echo late) &
printf 'at \\033[31mlast\\000\\377 %s\\n' "$(yes y | head -n 999 | tr -d '\\n')"
exit 3`);
    await flux.startDaemon("--config", flux.table("attempts = { up = 1 }\n", { template }));
    writeFileSync(join(flux.place.testbed, "hold"), "");
    const before = flux.daemonMemory;
    const job = await flux.submit("-N2", "true");
    const note = await noteOf(t as unknown as Tap, job);
    t.match(note, /^up failed on node[01] \(rank [01]\): exit 2: at .*last.*y{200,}$/);
    t.match(note, CLEAN);
    await isClean(t as unknown as Tap, job);
    t.ok(flux.daemonMemory - before < 64, `${before} to ${flux.daemonMemory} MiB`);
    await flux.output("rm", join(flux.place.testbed, "hold"));
    t.same(await flux.leftovers(), []);
    await flux.stopDaemon();
  });
});
