/** The supervisor runs one reconciler for each job that is due, and none for other jobs. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { kvsDirectory } from "../../lib/flux/jobid.js";
import { OPEN_CLUSTERS } from "../../lib/record/writer.js";
import type { ReportedJob } from "../../plugin/bridge-messages.js";
import { Supervisor } from "../../plugin/supervisor.js";
import { eventually, FakeFlux } from "../fakes/fake-flux.js";
import { JOBID, Life, OWNER } from "../fakes/life.js";

const JOB: ReportedJob = { id: JOBID, userid: OWNER, user: { usernetes: "yes" }, duration: 0 };

const REFUSED: ReportedJob = { ...JOB, user: { usernetes: "maybe" } };

/** A supervisor in a life's world. Its follows run a `flux` that only logs its starts. */
function supervise(t: { teardown(act: () => void): unknown }, life = new Life()) {
  const directory = mkdtempSync(join(tmpdir(), "usernetes-supervisor-"));
  const flux = new FakeFlux(directory, 'echo "$*" >>"$NOTES/starts"; exec sleep 60');
  const prefix = `${OPEN_CLUSTERS}.`;
  const kvs = {
    list: () =>
      Promise.resolve(
        [...life.flux.kvs.keys()]
          .filter((key) => key.startsWith(prefix))
          .map((key) => key.slice(prefix.length)),
      ),
    lookup: (key: string) => life.flux.lookup(key),
  };
  const supervisor = new Supervisor(() => life.world, kvs, flux.env);
  t.teardown(() => {
    supervisor.leave();
    // A follow that has just been started may still write its log.
    rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  });
  /** Reports a job that has its nodes, as the bridge does. */
  const report = (job = JOB) => {
    supervisor.onJob(job);
    supervisor.onDue(job.id);
  };
  return { life, supervisor, report, starts: () => flux.noted("starts") };
}

t.test("nothing is done before all active jobs are known", async (t) => {
  const { life, supervisor, report, starts } = supervise(t);
  report();
  await life.quiet();
  t.equal(supervisor.size, 0);
  t.strictSame(life.flux.requests, []);
  await supervisor.onSentinel();
  await eventually(() => starts().length === 1);
  t.strictSame(starts(), [`job eventlog --follow --format=json ${JOBID}`]);
});

t.test("a job that comes later is handled at once, and once", async (t) => {
  const { supervisor, report, starts } = supervise(t);
  await supervisor.onSentinel();
  report();
  report();
  await eventually(() => starts().length > 0);
  report();
  await supervisor.onSentinel();
  await new Promise((resolve) => setTimeout(resolve, 100));
  t.equal(supervisor.size, 1);
  t.equal(starts().length, 1);
});

t.test("a job that has its nodes is started before its follow reports them", async (t) => {
  const { life, supervisor, report } = supervise(t);
  await supervisor.onSentinel();
  const { say } = life.world;
  life.world.say = (level, text) => {
    say(level, text);
    if (text.includes("resumed from: ")) getsItsNodes();
  };
  // The supervisor has read the record. From here on it reads the eventlog a few times.
  const getsItsNodes = () => {
    life.job.alloc();
    const text = life.job.eventlog.map((event) => `${JSON.stringify(event)}\n`).join("");
    life.flux.kvs.set(`${kvsDirectory(JOBID)}.eventlog`, text);
  };
  report();
  await eventually(() => life.nodes.commands.length > 0);
  t.strictSame(life.nodes.commands, ["exec 0-2: stage, up"]);
});

t.test("a job that waits for nodes is known and needs no follow", async (t) => {
  const { life, supervisor, starts } = supervise(t);
  await supervisor.onSentinel();
  supervisor.onJob(JOB);
  await life.quiet();
  t.equal(supervisor.known, 1);
  t.equal(supervisor.size, 0);
  t.strictSame(starts(), []);
  supervisor.onDue(JOBID);
  supervisor.onDue(JOBID);
  t.equal(supervisor.size, 1, "it starts at once when it is due");
  t.equal(supervisor.known, 1);
  await eventually(() => starts().length === 1);
  supervisor.onDue(JOBID);
  await new Promise((resolve) => setTimeout(resolve, 100));
  t.equal(starts().length, 1, "and once");
});

t.test("a job that waited before all jobs were known still waits", async (t) => {
  const { life, supervisor, starts } = supervise(t);
  supervisor.onJob(JOB);
  await supervisor.onSentinel();
  await life.quiet();
  t.equal(supervisor.known, 1);
  t.strictSame(starts(), []);
  supervisor.onDue(JOBID);
  await eventually(() => starts().length === 1);
});

t.test("a job that will be refused is handled before it has nodes", async (t) => {
  const { life, supervisor } = supervise(t);
  await supervisor.onSentinel();
  supervisor.onJob(REFUSED);
  await eventually(() => life.flux.requests.some((request) => request.startsWith("raise")));
});

t.test("a job that ended while no bridge ran is forgotten", async (t) => {
  const { life, supervisor, report, starts } = supervise(t);
  await supervisor.onSentinel();
  supervisor.onJob(JOB);
  supervisor.onReady();
  t.equal(supervisor.known, 0);
  supervisor.onDue(JOBID);
  await life.quiet();
  t.strictSame(starts(), []);
  report();
  await eventually(() => starts().length === 1);
});

t.test("a job that ended before all jobs were known has its cluster torn down", async (t) => {
  const life = await new Life().alloc();
  await life.untilStarted();
  life.reconciler.leave();
  await life.quiet();
  const { supervisor, report } = supervise(t, life);
  report();
  supervisor.onReady();
  await supervisor.onSentinel();
  await eventually(() => life.record.at(-1) === "down, left []");
});

t.test("a job that does not ask is ignored", async (t) => {
  const { supervisor } = supervise(t);
  await supervisor.onSentinel();
  supervisor.onJob({ ...JOB, user: { usernetes: "no" } });
  t.equal(supervisor.size, 0);
});

t.test("a job that was refused by ingest is forgotten", async (t) => {
  const { life, supervisor, report, starts } = supervise(t);
  await supervisor.onSentinel();
  report();
  await eventually(() => starts().length === 1);
  supervisor.onGone(JOBID);
  t.equal(supervisor.size, 0);
  supervisor.onGone(JOBID);
  t.ok(life.printed.includes("debug: ƒ2QT1HSJy5: forgotten"));
});

t.test("a job that ends while its eventlog is read is not followed", async (t) => {
  const { life, supervisor, report, starts } = supervise(t);
  await supervisor.onSentinel();
  report();
  supervisor.onGone(JOBID);
  await life.quiet();
  await new Promise((resolve) => setTimeout(resolve, 400));
  t.equal(supervisor.size, 0);
  t.strictSame(starts(), []);
});

t.test("a cluster whose job ended while no daemon ran is torn down", async (t) => {
  const life = await new Life().alloc();
  await life.untilStarted();
  life.reconciler.leave();
  await life.quiet();
  const { length } = life.nodes.commands;
  const { supervisor, starts } = supervise(t, life);
  await supervisor.onSentinel();
  t.equal(supervisor.size, 1);
  t.ok(life.world.open.get(JOBID), "its ports are still taken");
  await eventually(() => supervisor.size === 0);
  t.strictSame(life.nodes.commands.slice(length), ["exec 0-2: down-v"]);
  t.equal(life.record.at(-1), "down, left []");
  t.equal(life.world.open.get(JOBID), undefined);
  t.strictSame(starts(), [], "it has no eventlog to follow");
});

t.test("a daemon that exits leaves every cluster unchanged", async (t) => {
  const { life, supervisor, report, starts } = supervise(t);
  await supervisor.onSentinel();
  report();
  await eventually(() => starts().length === 1);
  supervisor.leave();
  life.clock.advance(3_600_000);
  await life.quiet();
  t.strictSame(life.nodes.commands, []);
});

t.test("a job that is reported again before all jobs are known is handled once", async (t) => {
  const { supervisor, report, starts } = supervise(t);
  report();
  report();
  await supervisor.onSentinel();
  await eventually(() => starts().length > 0);
  await new Promise((resolve) => setTimeout(resolve, 100));
  t.equal(supervisor.size, 1);
  t.equal(starts().length, 1);
});

t.test("a malformed entry is reported, and does not affect others", async (t) => {
  const { life, supervisor, report, starts } = supervise(t);
  const claim = { ranks: "0", hosts: ["node0"] };
  for (const [name, entry] of [
    ["121", "5"],
    ["122", "{"],
    ["123", '{"jobid":"123"}'],
    ["124", JSON.stringify({ jobid: "125", claim })],
  ] as const)
    life.flux.kvs.set(`${OPEN_CLUSTERS}.${name}`, entry);
  report();
  await supervisor.onSentinel();
  await eventually(() => starts().length === 1);
  t.equal(life.printed.filter((line) => line.includes("is malformed and was ignored")).length, 4);
  t.ok(life.flux.kvs.has(`${OPEN_CLUSTERS}.121`), "it is not ours to delete");
});

t.test("a record that cannot be read now is read again", async (t) => {
  const { life, supervisor, report, starts } = supervise(t);
  await supervisor.onSentinel();
  life.flux.fail("lookup", 1);
  report();
  await life.quiet();
  t.strictSame(starts(), []);
  life.clock.advance(1000);
  await eventually(() => starts().length === 1);
  t.equal(supervisor.size, 1);
});

t.test("a job that is reported again while its record is read again is handled once", async (t) => {
  const { life, supervisor, report, starts } = supervise(t);
  await supervisor.onSentinel();
  life.flux.fail("lookup", 2);
  report();
  await life.quiet();
  supervisor.onJob(JOB);
  life.clock.advance(1000);
  await eventually(() => starts().length === 1);
  supervisor.onDue(JOBID);
  await new Promise((resolve) => setTimeout(resolve, 100));
  t.equal(starts().length, 1);
});

t.test("a lost node is cleaned when it returns, without a restart", async (t) => {
  const life = await new Life().alloc();
  await life.untilStarted();
  life.reconciler.leave();
  await life.quiet();
  life.world.nodes.set([0, 1]);
  const { supervisor } = supervise(t, life);
  await supervisor.onSentinel();
  await eventually(() => life.record.at(-1) === "down, left [2]" && supervisor.size === 0);
  supervisor.onOnline();
  t.equal(supervisor.size, 0, "it is not back yet");
  life.world.nodes.set([0, 1, 2]);
  supervisor.onOnline();
  await eventually(() => supervisor.size === 0);
  t.equal(life.record.at(-1), "down, left []");
  t.strictSame(life.world.open.all(), []);
});
