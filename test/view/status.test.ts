/** The text of `flux usernetes status`. */
import t from "tap";
import type { Cluster } from "../../lib/cluster/state.js";
import { rowOf, STEPS } from "../../lib/cluster/steps.js";
import type { RecordEvent } from "../../lib/record/events.js";
import type { KeptLog } from "../../lib/view/saved-logs.js";
import { eventLine } from "../../lib/view/event-line.js";
import { WEIGHT, redrawer, weighed } from "../../lib/view/frame.js";
import { clockTime } from "../../lib/view/status-steps.js";
import {
  noCluster,
  statusFrame,
  statusJson,
  statusLines,
  type StatusSource,
} from "../../lib/view/status.js";
import { stepLines } from "../../lib/view/steps.js";
import { PLAIN, wrap } from "../../lib/view/terminal.js";
import {
  BEGIN,
  CANCEL,
  claimEvent,
  claimOf,
  down,
  emptyCluster,
  recorded,
  seen,
  settle,
  step,
  teardown,
  waits,
} from "../fakes/clusters.js";

const reported = (record: RecordEvent[], cluster: Cluster = emptyCluster()): StatusSource => ({
  ...{ cluster: recorded(cluster, ...record), events: [], record, user: "alice" },
});

const lines = (record: RecordEvent[], cluster?: Cluster, kept: KeptLog[] = []) =>
  statusLines({ ...reported(record, cluster), kept }, BEGIN + 5, PLAIN);

/** An event of a step that took this number of seconds. */
const took = (words: string, seconds: number): RecordEvent => {
  const event = step(words);
  if (event.name === "step-finish") event.context.seconds = seconds;
  return event;
};

t.test("a cluster that comes up shows the step that it waits for, and its deadline", (t) => {
  const record = [claimEvent(), step("stage 0-2"), step("up 0-1"), step("up 2 running")];
  t.same(lines(record), [
    "ƒ2QT1HSJy5: starting, 5.0s old",
    "  user       alice",
    "  nodes      0 of 3 ready: a,b,c (rank 0-2)",
    "  lead       a",
    "  engine     docker",
    "  workdir    /tmp/usernetes-ƒ2qt1hsjy5",
    "  ports      etcd 20000, kubelet 20001, flannel 20002, apiserver 20003",
    `  deadline   ${clockTime(BEGIN + 900)}, in 14.92m`,
    "",
    "STEP             STATUS      TIME RANKS",
    "stage            ok          1.0s 0-2",
    "up               ok          1.0s 0-1",
    "                 running     5.0s 2",
    "",
    `waiting for up on c (rank 2): 5.0s so far, deadline ${clockTime(BEGIN + 900)}`,
  ]);
  t.end();
});

t.test("a step that reports what it waits for is shown with that", (t) => {
  const waiting = waits("wait-ready 0", "coredns: 0 of 2 available; last event: Pulling: image");
  const record = [claimEvent(), step("stage 0-2"), step("wait-ready 0 running"), waiting];
  t.match(
    lines(record).at(-1),
    /^waiting for wait-ready on a \(rank 0\): 5\.0s so far, deadline .*: coredns: 0 of 2 available; last event: Pulling: image$/,
  );
  t.equal(
    eventLine(waiting, emptyCluster(), BEGIN),
    "   0.0s wait-ready: waiting for coredns: 0 of 2 available; last event: Pulling: image",
  );
  const ended = lines([...record, step("wait-ready 0")]).join("\n");
  t.notMatch(ended, "coredns", "when it has ended it waits for nothing");
  t.end();
});

t.test("the status explains the possible reasons if no step runs", (t) => {
  t.match(
    lines([claimEvent()]).at(-1),
    /^no step is running: .* daemon is down \(check with flux usernetes ping\)/,
  );
  t.end();
});

t.test("a ready cluster waits for nothing and has a kubeconfig", (t) => {
  const ready: RecordEvent = {
    ...{ timestamp: BEGIN + 3, name: "settle" },
    context: { outcome: "ready", kubeconfig: "/tmp/k", without: "1-2" },
  };
  const reports = lines([claimEvent(), step("up 0"), ready]);
  t.equal(reports[0], "ƒ2QT1HSJy5: ready after 3.0s, 5.0s old");
  t.ok(reports.includes("  kubeconfig /tmp/k on a"));
  t.ok(reports.includes("  without    b,c (rank 1-2)"));
  t.notOk(reports.some((line) => line.includes("deadline")));
  t.equal(reports.at(-1), "up               ok          1.0s 0");
  t.end();
});

t.test("a teardown shows its deadline", (t) => {
  const start = step("down-v 0-2 running", { at: BEGIN + 2 });
  const limited = teardown("finish", 120);
  const received = (of: RecordEvent) => lines([claimEvent(), settle("ready"), of, start]).at(-1);
  const until = `, deadline ${clockTime(BEGIN + 2 + 120)}`;
  t.equal(received(limited), `waiting for down-v on a,b,c (rank 0-2): 3.0s so far${until}`);
  t.notMatch(received(teardown("finish")), "until", "an older record does not know");
  t.end();
});

t.test("a failed step has its last lines, and the place of the others", (t) => {
  const failed = step("up 1 failed", { attempt: 2, note: "exit 2: no space" });
  const record = [claimEvent(), step("up 0"), failed, settle("failed", "up failed on b")];
  const log = "b:/tmp/usernetes-ƒ2qt1hsjy5/.usernetes/nodes/1/up.log";
  t.ok(lines(record).includes("STEP             STATUS      TIME  TRIES RANKS"));
  t.same(lines(record).slice(-4), [
    "                 failed      1.0s      2 1",
    "",
    "up failed on b (rank 1) (2 tries): exit 2: no space",
    `  full log: ${log}`,
  ]);
  // The log was removed with the work directory.
  const gone = lines([...record, teardown("failed"), down()]);
  t.equal(gone.at(-1), "up failed on b (rank 1) (2 tries): exit 2: no space");
  t.match(gone[0], /: gone, settled after 0\.0s, lived 0\.0s$/);
  t.end();
});

t.test("a failed step has its last lines as they were saved", (t) => {
  const failed = step("up 1-2 failed", { attempt: 2, note: "exit 2: full" });
  const record = [claimEvent(), step("up 0"), failed, settle("failed", "up failed on b")];
  const log = (attempt: number, of: [number, string[]][]) =>
    ({ step: "up", attempt, status: "failed", note: "", lines: new Map(of), cut: "" }) as KeptLog;
  const kept = [
    log(1, [[1, ["an earlier try"]]]),
    log(2, [
      [1, ["pulling", "disk full"]],
      [2, ["pulling", "disk full", "also here"]],
    ]),
  ];
  const shown = lines(record, undefined, kept);
  const at = shown.findIndex((line) => line.startsWith("up failed on"));
  t.same(shown.slice(at + 1, at + 4), ["  1-2: pulling", "  1-2: disk full", "  2: also here"]);
  t.match(shown[at + 4], /^ {2}full log: /);
  t.end();
});

t.test("a held cluster shows how to release it", (t) => {
  const debug = emptyCluster({ usernetes_debug: "yes" });
  t.match(
    lines([claimEvent(), settle("ready")], debug).at(-1),
    "held for debugging; release it with flux usernetes release ƒ2QT1HSJy5",
  );
  t.end();
});

t.test("a kept cluster has an age", (t) => {
  const kept: RecordEvent = {
    ...{ timestamp: BEGIN + 3, name: "down" },
    context: { left: [], kept: true },
  };
  const [head] = lines([claimEvent(), settle("ready"), kept]);
  t.equal(head, "ƒ2QT1HSJy5: kept, settled after 0.0s, 5.0s old");
  t.end();
});

t.test("ranks that took much longer than others are listed separately", (t) => {
  const folded = stepLines(
    [claimEvent(), took("up 0", 2), took("up 2", 3), took("up 1", 40)],
    BEGIN,
  );
  t.match(folded, [
    { ranks: [0, 2], seconds: 3 },
    { ranks: [1], seconds: 40 },
  ]);
  t.equal(folded.length, 2);
  t.end();
});

/** Ranks 0 to n, of which each tenth has failed with its own host's name. */
function many(n: number): RecordEvent[] {
  const hosts = Array.from({ length: n }, (_, rank) => `node${rank}`);
  const claim: RecordEvent = {
    ...{ timestamp: BEGIN, name: "claim", context: claimOf(`0-${n - 1}`, hosts) },
  };
  const ends = hosts.map((host, rank) =>
    rank % 10 === 5
      ? step(`up ${rank} failed`, { note: `no space on ${host}` })
      : step(`up ${rank}`),
  );
  return [claim, ...ends, settle("failed", "up failed on 400 nodes")];
}

t.test("ranks that failed the same way are one group, though each has its own note", (t) => {
  const record = many(4000);
  const all = lines(record);
  t.ok(all.length < 20, String(all.length));
  t.equal(all.filter((line) => line.startsWith("up failed on node[5,15,25,")).length, 1);
  t.match(
    all.at(-2),
    / \(rank 5,15,[^)]*3995\): no space on node5 \(rank 5\), and 399 other notes$/,
  );
  t.match(all.at(-1), /^ {2}full log: node5:/);
  t.match(stepLines(record, BEGIN), [{ status: "ok" }, { status: "failed", otherNotes: 399 }]);
  // The JSON output has every note.
  const { steps } = statusJson(reported(record), BEGIN) as { steps: { note: string }[] };
  t.equal(steps.length, 401);
  t.match(steps.at(-1), { ranks: "3995", hosts: ["node3995"], note: "no space on node3995" });
  t.end();
});

t.test("a group shows the note of its first rank, and equal notes are not different ones", (t) => {
  const two = [claimEvent(), step("up 1 failed", { note: "b" }), step("up 0,2 failed")];
  t.match(
    lines(two).at(-2),
    /^up failed on a,b,c \(rank 0-2\): no note \(rank 0\), and another note$/,
  );
  const same = [
    claimEvent(),
    step("up 1 failed", { note: "b" }),
    step("up 2 failed", { note: "b" }),
  ];
  t.match(lines(same).at(-2), /^up failed on b,c \(rank 1-2\): b$/);
  t.end();
});

t.test("a few of many different failures are shown in full", (t) => {
  const record = [claimEvent(), ...STEPS.slice(0, 9).map((name) => step(`${name} 1 failed`))];
  const all = lines(record);
  t.equal(all.filter((line) => / failed on b /.test(line)).length, 5);
  t.equal(all.at(-1), "and 4 more failures");
  t.end();
});

t.test("steps before a new claim do not count", (t) => {
  t.same(stepLines([claimEvent(), step("up 0"), claimEvent()], BEGIN), []);
  t.end();
});

t.test("the status explains why a job has no cluster", (t) => {
  const user = { usernetes: "maybe" };
  t.match(noCluster(emptyCluster(user)), /^its request is refused: .*found "maybe"/);
  t.equal(noCluster(emptyCluster({ usernetes: "no" })), "it did not ask for a cluster");
  t.match(noCluster(seen(emptyCluster(), CANCEL)), /^no cluster: cancel/);
  t.match(noCluster(emptyCluster()), /no resources yet/);
  t.match(noCluster(seen(emptyCluster(), "alloc")), /no daemon runs/);
  t.match(noCluster(seen(emptyCluster(), "alloc", "clean")), /has ended/);
  t.same(lines([]), ["ƒ2QT1HSJy5: waiting: the job has no resources yet"]);
  t.match(statusJson(reported([]), BEGIN), {
    jobid: "ƒ2QT1HSJy5",
    state: null,
    note: /no resources/,
  });
  t.end();
});

t.test("no line is wider than the terminal, and no text is lost", (t) => {
  const note = "exit 2: a long story of what went wrong and why nobody could have known";
  const record = [claimEvent(), step("up 1 failed", { note })];
  const narrow = statusLines(reported(record), BEGIN, { ...PLAIN, width: 40 });
  for (const line of narrow) t.ok(line.length <= 40, line);
  t.match(narrow.join(" ").replace(/ +/g, " "), note);
  t.same(wrap("a".repeat(30), { ...PLAIN, width: 20 }), ["a".repeat(20), `    ${"a".repeat(10)}`]);
  t.end();
});

t.test("colours are for the state and the steps' outcomes", (t) => {
  const record = [claimEvent(), step("up 0"), step("up 1 failed")];
  const coloured = statusLines(reported(record), BEGIN, { ...PLAIN, colour: true }).join("\n");
  t.match(coloured, ": \u001b[34mstarting\u001b[0m,");
  t.match(coloured, " \u001b[32mok\u001b[0m  ");
  t.match(coloured, " \u001b[31mfailed\u001b[0m ");
  t.end();
});

t.test("the JSON has each step with its ranks, hosts and log", (t) => {
  const value = statusJson(reported([claimEvent(), step("up 1-2"), step("publish-join 0")]), BEGIN);
  t.match(value, {
    ...{ jobid: "ƒ2QT1HSJy5", state: "starting", deadline: BEGIN + 900, outcome: null, left: "" },
    steps: [
      {
        step: "up",
        status: "ok",
        ranks: "1-2",
        hosts: ["b", "c"],
        attempt: 1,
        log: /^b:.*up\.log$/,
      },
      { step: "publish-join", log: null },
    ],
  });
  t.end();
});

t.test("a pipe gets one line for each event", (t) => {
  const { cluster } = reported([claimEvent()]);
  const line = (event: RecordEvent) => eventLine(event, cluster, BEGIN - 2);
  t.equal(line(claimEvent()), "   2.0s starting on a,b,c (rank 0-2)");
  t.equal(line(step("up 1 running", { attempt: 2 })), "   2.0s up: begins on b (rank 1), try 2");
  t.equal(
    line(step("up 0 failed", { note: "exit 2" })),
    "   2.0s up: failed on a (rank 0) in 1.0s: exit 2",
  );
  t.equal(line(settle("failed", "no")), "   2.0s failed: no");
  t.equal(line(teardown("cancel")), "   2.0s stopping: cancel");
  t.equal(line(down(1)), "   2.0s leftovers on b (rank 1)");
  t.equal(line(down()), "   2.0s gone");
  t.end();
});

t.test("a terminal is redrawn within its rows, except the last time", (t) => {
  let written = "";
  const terminal = { write: (text: string) => (written = text), rows: 3 };
  const draw = redrawer(terminal);
  const logged = (text: string) => weighed(text.split(" "), WEIGHT.headline);
  draw(logged("a b c"));
  t.equal(written, "\ra\u001b[K\nb\u001b[K\n\u001b[J");
  draw(logged("d"));
  t.equal(written, "\r\u001b[2Ad\u001b[K\n\u001b[J");
  draw(logged("a b c"), true);
  t.equal(written, "\r\u001b[1Aa\u001b[K\nb\u001b[K\nc\u001b[K\n\u001b[J");
  terminal.rows = 0;
  redrawer(terminal)(logged("a b c"));
  t.match(written, "c");
  t.end();
});

/** The rows that are drawn on a terminal with this number of rows, without the last, empty row. */
const drawnOn = (rows: number, record: RecordEvent[], kept: KeptLog[] = []) => {
  let written = "";
  const draw = redrawer({ write: (text: string) => (written = text), rows });
  draw(statusFrame({ ...reported(record), kept }, BEGIN + 5, { ...PLAIN, width: 80 }));
  return written.replace("\r", "").replaceAll("\u001b[K", "").split("\n").slice(0, -1);
};

const DONE = STEPS.filter((name) => rowOf(name).needs === undefined)
  .slice(0, 13)
  .map((name) => step(`${name} 0-1`));

t.test("a terminal with few rows shows the step that the cluster waits for", (t) => {
  const record = [claimEvent(), ...DONE, step("up 2 running")];
  const all = drawnOn(50, record);
  t.ok(all.length > 24, String(all.length));
  const few = drawnOn(24, record);
  t.equal(few.length, 23);
  t.same(few.slice(-2), all.slice(-2));
  t.match(few.at(-1), /^waiting for up on c /);
  t.ok(few.includes("                 running     5.0s 2"));
  // The row before it stays, because it has the name of the step.
  t.match(few.join("\n"), /\nup +ok .*\n +running .*\n\([0-9]+ lines hidden\)\n/);
  const out = few.flatMap((line) => /\(([0-9]+) lines hidden/.exec(line)?.[1] ?? []);
  t.equal(all.length - few.length, Number(out[0]) - 1);
  // The cluster's state and the step that it waits for are shown in very few rows, too.
  const least = drawnOn(6, record);
  t.match([least[0], least.at(-1)], [/starting/, /^waiting for up on c /]);
  t.ok(least.length <= 5);
  t.end();
});

t.test("a terminal with few rows shows the failed step and its last lines", (t) => {
  const why = `exit 2: ${"no space is left ".repeat(40)}in the end`;
  const failed = step("kubeadm-join 1 failed", { attempt: 3, note: why });
  const record = [claimEvent(), ...DONE, failed, settle("failed", "no")];
  const printed = Array.from({ length: 12 }, (_, index) => `line ${index}`);
  const kept: KeptLog[] = [
    {
      ...{ step: "kubeadm-join", attempt: 3, status: "failed", note: why, cut: "" },
      lines: new Map([[1, printed]]),
    },
  ];
  const few = drawnOn(24, record, kept);
  t.ok(few.length === 22 || few.length === 23, String(few.length));
  t.match(few[0], /: failed, /);
  const at = few.findIndex((line) => line.startsWith("kubeadm-join failed on b (rank 1)"));
  t.match(few[at + 1], /^\([0-9]+ lines hidden\)$/);
  t.match(few[at + 2], / in the end$/);
  t.same(
    few.slice(at + 3, at + 15),
    printed.map((line) => `  1: ${line}`),
  );
  t.match(few[at + 15], /^ {2}full log: /);
  const least = drawnOn(12, record, kept);
  t.ok(least.length <= 11);
  t.match(least.join("\n"), /\nkubeadm-join failed on b [^]* {2}1: line 11\n {2}full log: /);
  t.end();
});
