/** Events are written in order, in transactions, and repeated if they were not confirmed. */
import { fc } from "../random.js";
import t from "tap";
import { foldRecordEvent } from "../../lib/cluster/fold.js";
import { STEPS } from "../../lib/cluster/steps.js";
import { decodeIdset } from "../../lib/flux/idset.js";
import { parseEventlog, type RecordEvent } from "../../lib/record/events.js";
import { entryKey, recordKey, RecordWriter, type Operation } from "../../lib/record/writer.js";
import { emptyCluster, settle, step } from "../fakes/clusters.js";
import { FakeClock } from "../fakes/fake-clock.js";
import { describeEvent } from "../fakes/life.js";

const JOBID = 179836689580032n;
const KEY = "job.0000.a38f.7e00.0000.usernetes.eventlog";

type StepEvent = RecordEvent & { name: "step-start" | "step-finish" };

function setUp() {
  const clock = new FakeClock();
  const commits: Operation[][] = [];
  const failures: Error[] = [];
  /** The values in the KVS, by key. */
  const kept = new Map<string, string>();
  const writer = new RecordWriter(
    JOBID,
    {
      commit: async (operations) => {
        await Promise.resolve();
        const failure = failures.shift();
        if (failure) throw failure;
        commits.push(operations);
        for (const [verb, key, value] of operations)
          if (verb === "append") kept.set(key, (kept.get(key) ?? "") + value);
      },
      lookup: (key) => Promise.resolve(kept.get(key)),
    },
    { now: () => clock.now() * 1000, after: (ms, callback) => clock.after(ms, callback) },
  );
  const text = () =>
    commits
      .flat()
      .flatMap((operation) =>
        operation[0] === "append" && operation[1] === KEY ? [operation[2]] : [],
      )
      .join("");
  return {
    clock,
    commits,
    failures,
    writer,
    kept,
    events: () => parseEventlog<RecordEvent>(text()),
    lines: () => parseEventlog<RecordEvent>(text()).map(describeEvent),
    /** Passes an event of a step, with the announcement that other ranks will report the same. */
    note: (...words: Parameters<typeof step>) => {
      writer.step(step(...words) as StepEvent, true);
    },
    /** Passes an event of a step with the last lines that its rank printed. */
    printed: (words: string, lines: string[], more: boolean, attempt = 1) => {
      writer.step(step(words, { attempt }) as StepEvent, more, lines);
    },
    /** Passes an event of a step that no other rank will report. */
    noteLast: (...words: Parameters<typeof step>) => {
      writer.step(step(...words) as StepEvent, false);
    },
  };
}

const soon = () => new Promise((resolve) => setImmediate(resolve));

t.test("the record is beside the job's own eventlog", (t) => {
  t.equal(recordKey(JOBID), KEY);
  t.equal(entryKey(JOBID), "usernetes.cluster.179836689580032");
  t.end();
});

t.test(
  "ranks with the same result share one event with an idset, written when the last has ended",
  async (t) => {
    const { clock, commits, lines, note, noteLast } = setUp();
    for (const rank of ["2", "0"]) note(`stage ${rank}`);
    await soon();
    clock.advance(1800);
    await soon();
    t.strictSame(commits, [], "they wait");
    noteLast("stage 1");
    clock.advance(90);
    await soon();
    t.strictSame(commits, [], "and a moment more, for what else comes");
    clock.advance(10);
    await soon();
    t.equal(commits.length, 1);
    t.strictSame(lines(), ["ok stage on 0-2 (1)"]);
  },
);

t.test("ranks that are far behind do not delay the others", async (t) => {
  const { clock, lines, note, noteLast } = setUp();
  note("stage 0");
  clock.advance(2000);
  await soon();
  t.strictSame(lines(), ["ok stage on 0 (1)"]);
  noteLast("stage 1");
  clock.advance(100);
  await soon();
  t.strictSame(lines(), ["ok stage on 0 (1)", "ok stage on 1 (1)"]);
});

t.test("the time of a group of ranks is that of the slowest", async (t) => {
  const { clock, events, writer } = setUp();
  for (const [ranks, seconds, timestamp] of [
    ["0", 1, 10],
    ["1", 5, 14],
    ["2", 3, 15],
  ] as const)
    writer.step(
      {
        timestamp,
        name: "step-finish",
        context: { step: "up", ranks, attempt: 1, status: "ok", seconds },
      },
      true,
    );
  clock.advance(2000);
  await soon();
  t.match(events(), [{ timestamp: 15, context: { ranks: "0-2", seconds: 5 } }]);
});

t.test("different steps, attempts, statuses or notes are separate events", async (t) => {
  const { clock, lines, note } = setUp();
  note("stage 0 running");
  note("stage 0");
  note("up 1", { attempt: 2 });
  note("up 0");
  note("up 2 failed", { note: "a" });
  note("up 3 failed", { note: "b" });
  note("up 4 failed", { note: "a" });
  clock.advance(2000);
  await soon();
  t.strictSame(lines(), [
    "start stage on 0 (1)",
    "ok stage on 0 (1)",
    "ok up on 1 (2)",
    "ok up on 0 (1)",
    "failed up on 2,4 (1)",
    "failed up on 3 (1)",
  ]);
});

t.test("any other event is written at once, after the earlier steps", async (t) => {
  const { clock, commits, lines, note, writer } = setUp();
  note("stage 0");
  await writer.write([settle("ready")], [["unlink", "x"]]);
  t.strictSame(lines(), ["ok stage on 0 (1)", "settle ready"]);
  t.equal(commits.length, 1, "one transaction with the change to the entry");
  t.strictSame(commits[0]?.[1], ["unlink", "x"]);
  clock.advance(1000);
  await soon();
  t.equal(commits.length, 1, "nothing is written twice");
});

t.test("a failed write is reported to the caller, and the earlier steps are kept", async (t) => {
  const { clock, failures, lines, note, writer } = setUp();
  failures.push(new Error("the bridge ended"));
  note("stage 0");
  await t.rejects(writer.write([settle("ready")]), new Error("the bridge ended"));
  t.strictSame(lines(), []);
  note("up 0");
  clock.advance(2000);
  await soon();
  t.strictSame(lines(), ["ok stage on 0 (1)", "ok up on 0 (1)"]);
});

t.test("steps that could not be written are written with the next event", async (t) => {
  const { clock, failures, lines, note, writer } = setUp();
  failures.push(new Error("the bridge ended"));
  note("stage 0");
  clock.advance(2000);
  await soon();
  t.strictSame(lines(), []);
  await writer.write([settle("ready")]);
  t.strictSame(lines(), ["ok stage on 0 (1)", "settle ready"]);
});

t.test("writes are done in order, one at a time", async (t) => {
  const { commits, lines, writer } = setUp();
  const all = [settle("failed"), settle("canceled"), settle("ready")].map((event) =>
    writer.write([event]),
  );
  t.strictSame(commits, []);
  await Promise.all(all);
  t.strictSame(lines(), ["settle failed", "settle canceled", "settle ready"]);
});

t.test("a reported end of a step is not changed when it is written", async (t) => {
  const { clock, note, writer } = setUp();
  const event = step("stage 0") as StepEvent;
  writer.step(event, true);
  note("stage 1");
  clock.advance(2000);
  await soon();
  t.strictSame(event, step("stage 0"));
});

/** Each rank takes steps one after the other. In a pause the writer writes the waiting events. */
const anyLife = fc.array(
  fc.record({
    rank: fc.nat(2),
    ok: fc.boolean(),
    pause: fc.boolean(),
    more: fc.boolean(),
  }),
  { maxLength: 40 },
);

t.test("no rank's event is lost or repeated, grouped or not, at any time", async () => {
  await fc.assert(
    fc.asyncProperty(anyLife, async (moves) => {
      const { clock, events, writer } = setUp();
      const reported: RecordEvent[] = [];
      const at = new Map<number, { index: number; attempt: number; running: boolean }>();
      for (const { rank, ok, pause, more } of moves) {
        const is = at.get(rank) ?? { index: 0, attempt: 1, running: false };
        const name = STEPS[is.index % STEPS.length] ?? "stage";
        const status = is.running ? (ok ? "" : " failed") : " running";
        const event = step(`${name} ${rank}${status}`, { attempt: is.attempt }) as StepEvent;
        reported.push(event);
        writer.step(event, more);
        if (!is.running) at.set(rank, { ...is, running: true });
        else if (ok) at.set(rank, { index: is.index + 1, attempt: 1, running: false });
        else at.set(rank, { ...is, attempt: is.attempt + 1, running: false });
        if (pause) clock.advance(2000);
      }
      await writer.write([]);
      return JSON.stringify(byRank(reported)) === JSON.stringify(byRank(events()));
    }),
    { numRuns: 300 },
  );
});

function byRank(events: readonly RecordEvent[]): string[] {
  return events
    .flatMap((event) =>
      event.name === "step-start" || event.name === "step-finish"
        ? decodeIdset(event.context.ranks).map((rank) =>
            describeEvent({
              ...event,
              context: { ...event.context, ranks: String(rank) },
            } as RecordEvent),
          )
        : [],
    )
    .toSorted();
}
t.test("every rank's last state is the same, grouped or not, at any time", async () => {
  await fc.assert(
    fc.asyncProperty(anyLife, async (moves) => {
      const { clock, events, writer } = setUp();
      const reports = emptyCluster();
      const at = new Map<number, { index: number; attempt: number; running: boolean }>();
      for (const { rank, ok, pause, more } of moves) {
        const is = at.get(rank) ?? { index: 0, attempt: 1, running: false };
        const name = STEPS[is.index % STEPS.length] ?? "stage";
        const status = is.running ? (ok ? "" : " failed") : " running";
        const event = step(`${name} ${rank}${status}`, { attempt: is.attempt }) as StepEvent;
        foldRecordEvent(reports, event);
        writer.step(event, more);
        if (!is.running) at.set(rank, { ...is, running: true });
        else if (ok) at.set(rank, { index: is.index + 1, attempt: 1, running: false });
        else at.set(rank, { ...is, attempt: is.attempt + 1, running: false });
        if (pause) clock.advance(300);
      }
      await writer.write([]);
      await soon();
      const written = emptyCluster();
      for (const event of events()) foldRecordEvent(written, event);
      const states = (cluster: typeof reports) =>
        [...cluster.steps].map(([name, ranks]) => [
          name,
          ...[0, 1, 2].map((rank) => `${ranks.get(rank)?.status} ${ranks.get(rank)?.attempt}`),
        ]);
      return JSON.stringify(states(written)) === JSON.stringify(states(reports));
    }),
    { numRuns: 300 },
  );
});

t.test("a failed try is written before the next one that is written at once", async (t) => {
  const { clock, lines, note, noteLast } = setUp();
  note("up 0 failed");
  clock.advance(1000);
  noteLast("up 0 running", { attempt: 2 });
  clock.advance(100);
  await soon();
  noteLast("up 0", { attempt: 2 });
  clock.advance(5000);
  await soon();
  t.strictSame(lines(), ["failed up on 0 (1)", "start up on 0 (2)", "ok up on 0 (2)"]);
});

t.test("nothing is recorded for a purged job, but its entry is kept", async (t) => {
  const { writer, commits, noteLast } = setUp();
  writer.onlyEntry();
  noteLast("down-v 0");
  await writer.write([settle("canceled")], [["unlink", entryKey(JOBID)]]);
  t.strictSame(commits, [[["unlink", entryKey(JOBID)]]]);
});

t.test("a later write never precedes a failed one", async (t) => {
  const { clock, failures, lines, noteLast, writer } = setUp();
  failures.push(new Error("the bridge ended"));
  noteLast("stage 0 running");
  const first = writer.write([settle("ready")]);
  noteLast("stage 0");
  clock.advance(250);
  await first.catch(() => undefined);
  await soon();
  await writer.write([settle("failed")]);
  t.strictSame(lines(), ["start stage on 0 (1)", "ok stage on 0 (1)", "settle failed"]);
});

const UP = `${KEY.replace("eventlog", "log")}.up`;

t.test("the last lines of ranks are saved once, in the commit of their ends", async (t) => {
  const { clock, commits, kept, printed } = setUp();
  printed("up 0", ["pulling", "up on node0"], true);
  printed("up 2", ["pulling"], true);
  printed("up 1", ["pulling", "up on node1"], false);
  clock.advance(100);
  await soon();
  t.equal(commits.length, 1);
  t.strictSame(
    commits[0]?.map(([verb, key]) => [verb, key]),
    [
      ["append", KEY],
      ["append", UP],
    ],
  );
  t.equal(kept.get(UP), "==> try 1: ok on 0-2 <==\n0-2: pulling\n0: up on node0\n1: up on node1\n");
});

t.test("a step that printed nothing needs no write", async (t) => {
  const { clock, commits, noteLast } = setUp();
  noteLast("up 0");
  clock.advance(100);
  await soon();
  t.strictSame(
    commits.flat().map(([, key]) => key),
    [KEY],
  );
});

t.test("each try and each outcome is saved separately", async (t) => {
  const { clock, kept, printed } = setUp();
  printed("up 0 failed", ["no luck"], false);
  printed("up 1", ["well"], false);
  clock.advance(100);
  await soon();
  printed("up 0", ["well"], false, 2);
  clock.advance(100);
  await soon();
  t.match(
    kept.get(UP),
    /^==> try 1: failed on 0 <==\n0: no luck\n==> try 1: ok on 1 <==\n1: well\n==> try 2: ok on 0 <==\n0: well\n$/,
  );
});

t.test("output that could not be written is written with its step later", async (t) => {
  const { clock, failures, kept, printed, writer } = setUp();
  failures.push(new Error("the bridge ended"));
  printed("up 0", ["well"], false);
  clock.advance(100);
  await soon();
  t.equal(kept.size, 0);
  await writer.write([settle("ready")]);
  t.equal(kept.get(UP), "==> try 1: ok on 0 <==\n0: well\n");
});

t.test("a step's text has a limited length, whatever the ranks, tries and daemons", async (t) => {
  const first = setUp();
  const much = (rank: number) =>
    Array.from({ length: 12 }, (_, n) => `${rank} ${n} ${"x".repeat(390)}`);
  const all = async ({ clock, printed }: ReturnType<typeof setUp>, attempt: number) => {
    for (let rank = 0; rank < 256; rank++)
      printed(`up ${rank} failed`, much(rank), rank < 255, attempt);
    clock.advance(100);
    await soon();
  };
  await all(first, 1);
  const once = first.kept.get(UP) ?? "";
  t.match(once, /\(cut: [0-9]+ lines of ranks /);
  t.ok(once.length > 30_000 && once.length <= 32_768, `${once.length}`);
  for (let daemons = 0; daemons < 3; daemons++) {
    const next = setUp();
    for (const [key, text] of first.kept) next.kept.set(key, text);
    next.writer.takeUp(["up"]);
    for (let attempt = 2; attempt < 12; attempt++) await all(next, attempt);
    const text = next.kept.get(UP) ?? "";
    t.match(text, "\n==> try 2: failed on 0-255 <==");
    t.ok(text.length <= 65_536, `${text.length}`);
    for (const [key, kept] of next.kept) first.kept.set(key, kept);
  }
});

t.test("no output is saved for a purged job", async (t) => {
  const { commits, printed, writer } = setUp();
  writer.onlyEntry();
  printed("down-v 0", ["gone"], false);
  await writer.write([settle("canceled")], [["unlink", entryKey(JOBID)]]);
  t.strictSame(commits, [[["unlink", entryKey(JOBID)]]]);
});
