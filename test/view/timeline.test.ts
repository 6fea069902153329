/** The timeline of a record: rows, bars, longest chain, and the drawing. */
import t from "tap";
import { foldJobEvent, foldRecordEvent, type JobEvent } from "../../lib/cluster/fold.js";
import type { Cluster } from "../../lib/cluster/state.js";
import type { RecordEvent } from "../../lib/record/events.js";
import { lookOf, PLAIN } from "../../lib/view/terminal.js";
import { timelineJson } from "../../lib/view/timeline/json.js";
import { timelineSvg } from "../../lib/view/timeline/svg.js";
import { timelineLines } from "../../lib/view/timeline/text.js";
import { sumsOf, timelineOf, type Timeline } from "../../lib/view/timeline/timeline.js";
import { BEGIN, claimEvent, claimOf, emptyCluster } from "../fakes/clusters.js";
import { begins, ends, wholeLife } from "../fakes/timelines.js";

const NOW = BEGIN + 1000;

function timeline(
  record: RecordEvent[],
  { events = [], now = NOW, cluster = emptyCluster() }: Partial<Given> = {},
): Timeline {
  for (const event of events) foldJobEvent(cluster, event);
  for (const event of record) foldRecordEvent(cluster, event);
  return timelineOf({ cluster, events, record }, now);
}

interface Given {
  events: JobEvent[];
  now: number;
  cluster: Cluster;
}

const settled = (at: number, outcome: "ready" | "failed" | "canceled", note?: string) =>
  ({
    ...{ timestamp: BEGIN + at, name: "settle" },
    context: { outcome, ...(note === undefined ? {} : { note }) },
  }) as RecordEvent;

const teardown = (at: number): RecordEvent => ({
  ...{ timestamp: BEGIN + at, name: "teardown-start", context: { reason: "cancel" } },
});
const down = (at: number, ...left: number[]): RecordEvent => ({
  ...{ timestamp: BEGIN + at, name: "down", context: { left } },
});

const chain = ({ phases }: Timeline, index = 0) =>
  phases[index]?.chain.map(
    ({ row, begin, end }) =>
      `${row.step} ${row.ranks.join()} ${round(begin - BEGIN)}-${round(end - BEGIN)}`,
  );
const wideLines = (reported: Timeline) =>
  timelineLines(reported, { ...PLAIN, width: 160 }).join("\n");
const round = (value: number) => Math.round(value * 100) / 100;

t.test("the longest chain goes back through the steps that each step waited for", (t) => {
  const { record, events } = wholeLife();
  const reports = timeline(record, { events });
  t.same(chain(reports), [
    "stage 0,1,2 0.1-0.3",
    "up 0,1,2 0.3-2.3",
    "kubeadm-init 0 2.3-5.3",
    "kubeconfig 0 5.3-5.4",
    "join-command 0 5.4-5.6",
    "publish-join 0 5.6-5.7",
    "fetch-join 1,2 5.7-5.8",
    "kubeadm-join 1,2 5.8-7.8",
    "sync-external-ip 0 7.8-8.3",
    "install-flannel 0 8.3-9.3",
    "delete-token 0 9.3-9.4",
    "wait-ready 0 9.4-10.3",
  ]);
  t.same(chain(reports, 1), ["down-v 0,1,2 12.1-13.1"]);
  t.end();
});

t.test("a step did not wait for a parallel step", (t) => {
  const record = [
    claimEvent(),
    ...[ends("stage 0-1", 0, 1), ends("up 0-1", 1, 2), ends("kubeadm-init 0", 2, 3)],
    ...[ends("join-command 0", 3, 4), ends("publish-join 0", 4, 4.1)],
    ...[ends("kubeconfig 0", 4, 4.3), ends("fetch-join 1", 4.1, 4.4)],
    ...[ends("kubeadm-join 1", 4.4, 6), ends("sync-external-ip 0", 6, 7)],
    settled(7, "ready"),
  ];
  const [chain] = timeline(record).phases.map((phase) => phase.chain.map(({ row }) => row.step));
  t.strictSame(chain, [
    ...["stage", "up", "kubeadm-init", "join-command", "publish-join", "fetch-join"],
    ...["kubeadm-join", "sync-external-ip"],
  ]);
  t.end();
});

t.test("ranks in one event may appear to start a step before the previous one", (t) => {
  const record = [
    claimEvent(),
    // The last rank spent a moment in stage and a long time in up.
    ...[ends("stage 0-2", 0.98, 1), ends("up 0-2", 0.9, 3), ends("kubeadm-init 0", 3, 4)],
    settled(4, "ready"),
  ];
  const [chain] = timeline(record).phases.map((phase) => phase.chain.map(({ row }) => row.step));
  t.strictSame(chain, ["stage", "up", "kubeadm-init"]);
  t.end();
});

t.test("the steps and the time outside them add up to the total", (t) => {
  const { record, events } = wholeLife();
  const [up, teardown] = timeline(record, { events }).phases;
  t.match(up, { from: "alloc", to: "start", open: false });
  t.match(teardown, { name: "teardown", from: "finish", to: "free" });
  const sums = up && sumsOf(up);
  const rounded = Object.entries({ ...sums } as Record<string, number>).map(([key, value]) => [
    key,
    round(value),
  ]);
  t.same(rounded, [
    ["before", 0.2],
    ["steps", 10.2],
    ["after", 0.1],
    ["between", 0],
    ["total", 10.5],
  ]);
  t.end();
});

t.test("the joins waited for a worker that was late", (t) => {
  const joined = [
    claimEvent(),
    ...[ends("up 0", 0, 1), ends("up 1", 0, 9), ends("kubeadm-init 0", 1, 4)],
    ...[ends("publish-join 0", 4, 5), ends("fetch-join 1", 9, 10), ends("kubeadm-join 1", 10, 12)],
  ];
  t.match(chain(timeline([...joined, ends("wait-ready 0", 12, 13), settled(13, "ready")])), [
    "wait-ready 0 12-13",
  ]);
  const finish = [ends("sync-external-ip 0", 12, 12.5), ends("install-flannel 0", 12.5, 13)];
  const record = [...joined, ...finish, ends("wait-ready 0", 13, 14), settled(14, "ready")];
  t.same(chain(timeline(record)), [
    ...["up 1 0-9", "fetch-join 1 9-10", "kubeadm-join 1 10-12"],
    ...["sync-external-ip 0 12-12.5", "install-flannel 0 12.5-13", "wait-ready 0 13-14"],
  ]);
  t.end();
});

t.test("a short step follows one that ended later on another rank", (t) => {
  const prepared = [ends("stage 0-1", 0, 0.9), ends("up 0", 0.3, 0.5)];
  const record = [claimEvent(), ...prepared, ends("kubeadm-init 0", 0.5, 3), settled(3, "ready")];
  t.same(chain(timeline(record)), ["stage 0,1 0-0.5", "up 0 0.5-0.5", "kubeadm-init 0 0.5-3"]);
  t.end();
});

t.test("Ready nodes and a usable cluster are two steps of the chain", (t) => {
  const finish = [ends("install-flannel 0", 0, 1), ends("delete-token 0", 1, 2)];
  const ready = [ends("wait-nodes 0", 2, 4), ends("wait-ready 0", 4, 20), settled(20, "ready")];
  t.same(chain(timeline([claimEvent(), ...finish, ...ready])), [
    ...["install-flannel 0 0-1", "delete-token 0 1-2", "wait-nodes 0 2-4", "wait-ready 0 4-20"],
  ]);
  t.end();
});

t.test("a try waits for the one before it, and not for other ranks", (t) => {
  const record = [
    claimEvent(),
    ends("kubeadm-join 1 failed", 0, 4),
    ends("kubeadm-join 2", 0, 4.5),
    // This event records rank 1 together with rank 2, which was later.
    ends("fetch-join 1-2", 4, 4.6),
    ends("kubeadm-join 1", 5, 7, 2),
    settled(7, "ready"),
  ];
  const received = timeline(record);
  t.same(chain(received), ["kubeadm-join 1 0-4", "kubeadm-join 1 5-7"]);
  t.match(wideLines(received), /1\.00s between \(1\.00s before kubeadm-join, try 2\)/);
  t.end();
});

t.test("a join that waited for the fan-out waited for an earlier join", (t) => {
  const record = [
    claimEvent(),
    ...[ends("publish-join 0", 0, 1), ends("fetch-join 1", 1, 1.1), ends("kubeadm-join 1", 1.1, 6)],
    ...[ends("fetch-join 2", 6, 6.1), ends("kubeadm-join 2", 6.1, 11), settled(11, "ready")],
  ];
  t.same(chain(timeline(record)), [
    ...["publish-join 0 0-1", "fetch-join 1 1-1.1", "kubeadm-join 1 1.1-6"],
    ...["fetch-join 2 6-6.1", "kubeadm-join 2 6.1-11"],
  ]);
  t.end();
});

t.test("a join that began when its node was up did not wait for room", (t) => {
  const record = [
    claimEvent(),
    ...[ends("kubeadm-join 1", 1, 5.5), ends("up 2", 0, 6)],
    ...[ends("fetch-join 2", 6, 6.1), ends("kubeadm-join 2", 6.1, 11), settled(11, "ready")],
  ];
  t.same(chain(timeline(record)), ["up 2 0-6", "fetch-join 2 6-6.1", "kubeadm-join 2 6.1-11"]);
  t.end();
});

t.test("a job that started too early, or was released, does not end a bring-up", (t) => {
  const record = [claimEvent(), ends("up 0", 0, 3), settled(3, "ready")];
  const start = (at: number) => ({ events: [{ timestamp: BEGIN + at, name: "start" }] });
  t.match(timeline(record, start(4)).phases, [{ to: "start", end: BEGIN + 4 }]);
  t.match(timeline(record, start(1)).phases, [{ to: "settle", end: BEGIN + 3 }]);
  const cluster = emptyCluster({ usernetes_debug: "yes" });
  const held = timeline(record, { ...start(900), cluster });
  t.match(held.phases, [{ to: "settle", end: BEGIN + 3 }]);
  t.end();
});

t.test("nodes that Flux had back before they were clean do not end a teardown", (t) => {
  const { record, events } = wholeLife();
  const early = events.map((event) =>
    event.name === "free" ? { ...event, timestamp: BEGIN + 12 } : event,
  );
  t.match(timeline(record, { events: early }).phases[1], { to: "down", end: BEGIN + 13.1 });
  t.end();
});

t.test("a bring-up that failed waited for the step that failed it", (t) => {
  const record = [
    claimEvent(),
    ...[begins("up 2", 0), ends("up 1 failed", 0, 3), settled(3, "failed", "up failed on b: no")],
  ];
  t.same(chain(timeline(record)), ["up 1 0-3"]);
  const late = [claimEvent(), begins("up 2", 0), ends("up 1", 0, 3)];
  t.same(chain(timeline([...late, settled(9, "failed", "timed out after 9s")])), ["up 2 0-9"]);
  t.same(chain(timeline([...late, settled(9, "canceled", "cancel")])), ["up 2 0-9"]);
  t.end();
});

t.test("a running bring-up ends now, and waits for the longest running step", (t) => {
  const record = [claimEvent(), ends("up 0", 0, 2), begins("up 1", 1), begins("kubeadm-init 0", 2)];
  const drawn = timeline(record, { now: BEGIN + 5 });
  t.same(chain(drawn), ["up 1 1-5"]);
  const text = timelineLines(drawn, PLAIN).join("\n");
  t.match(text, "bring-up 5.00s so far");
  t.match(text, /\n\* +b \(rank 1\) +4\.00s +▒*█+▶\n/);
  t.match(text, "\nwaiting for up on b (rank 1)");
  t.match(timelineSvg(drawn), "3 nodes coming up for 5.00 s");
  t.end();
});

t.test("a step without a recorded end is cut where it was started again", (t) => {
  const record = [claimEvent(), begins("up 0-1", 1), begins("up 0-1", 4), ends("up 0-1", 4, 6)];
  t.match(timeline(record).phases[0]?.rows, [
    { status: "cut off", begin: BEGIN + 1, end: BEGIN + 4 },
    { status: "ok", begin: BEGIN + 4, end: BEGIN + 6 },
  ]);
  t.same(chain(timeline([...record, settled(6, "ready")])), ["up 0,1 1-4", "up 0,1 4-6"]);
  const [torn] = timeline([claimEvent(), begins("up 0", 1), teardown(3), down(4)]).phases;
  t.match(torn?.rows, [{ status: "cut off", end: BEGIN + 3 }]);
  t.end();
});

t.test("a new claim continues where the first ended", (t) => {
  const again: RecordEvent = { ...claimEvent(), timestamp: BEGIN + 3 };
  if (again.name === "claim") again.context.avoid = [{ subnets: ["10.100.0.0/24"] }];
  const drawn = timeline([
    ...[claimEvent(), ends("stage 0", 0, 1), ends("up 0 failed", 1, 3)],
    ...[again, ends("stage 0", 3, 4), ends("up 0", 4, 6), settled(6, "ready")],
  ]);
  t.same(chain(drawn), ["stage 0 0-1", "up 0 1-3", "stage 0 3-4", "up 0 4-6"]);
  t.end();
});

t.test("a later cleaning is a separate phase", (t) => {
  const drawn = timeline([
    ...[claimEvent(), settled(1, "canceled", "cancel"), teardown(2)],
    ...[ends("down-v 0-1", 2, 3), ends("down-v 2 failed", 2, 4), down(4, 2)],
    ...[ends("down-v 2", 100, 102), down(102)],
  ]);
  t.match(drawn.phases, [
    { name: "bring-up" },
    { name: "teardown", from: "teardown-start", to: "down", end: BEGIN + 4 },
    { name: "cleaning", begin: BEGIN + 100, end: BEGIN + 102 },
  ]);
  t.equal(drawn.phases.length, 3);
  t.end();
});

t.test("a step that this version does not know is omitted", (t) => {
  const record = [claimEvent(), ends("up 0", 1, 2), ends("warm 0", 2, 3), settled(3, "ready")];
  t.same(chain(timeline(record)), ["up 0 1-2"]);
  t.end();
});

t.test("a cluster that was kept has no teardown", (t) => {
  const kept = { ...down(4), context: { left: [0], kept: true } } as RecordEvent;
  t.equal(timeline([claimEvent(), settled(1, "ready"), kept]).phases.length, 1);
  t.end();
});

t.test("each event is a bar in the terminal, and the chain has a mark", (t) => {
  const { record, events } = wholeLife();
  t.same(timelineLines(timeline(record, { events }), { ...PLAIN, width: 72 }).slice(0, 18), [
    "ƒ2QT1HSJy5: 3 nodes, bring-up 10.50s, teardown 1.20s",
    "",
    "  BRING-UP         RANKS               TIME 0s           5s",
    "* stage            a,b,c (rank 0-2)   0.20s █",
    "* up               a,b,c (rank 0-2)   2.00s  █████▍",
    "* kubeadm-init     a (rank 0)         3.00s       ████████▍",
    "* kubeconfig       a (rank 0)         0.10s               ▋",
    "* join-command     a (rank 0)         0.20s               █▏",
    "* publish-join     a (rank 0)         0.10s                ▍",
    "* fetch-join       b,c (rank 1-2)     0.10s                ▋",
    "* kubeadm-join     b,c (rank 1-2)     2.00s                ██████",
    "  remove-archive   a (rank 0)         0.10s                      ▒",
    "* sync-external-ip a (rank 0)         0.50s                      █▍",
    "* install-flannel  a (rank 0)         1.00s                       ███",
    "* delete-token     a (rank 0)         0.10s                          ▎",
    "* wait-ready       a (rank 0)         0.90s                          ██▋",
    "",
    "longest chain (*): 10.20s of 10.50s, alloc to start",
  ]);
  t.end();
});

t.test("no line is wider than the terminal, whatever its width", (t) => {
  const { record, events } = wholeLife();
  for (const width of [10, 20, 40, 80, 200]) {
    const lines = timelineLines(timeline(record, { events }), { ...PLAIN, width });
    for (const line of lines.slice(2))
      t.ok(width < 20 || line.length <= width, `${width}: ${line}`);
  }
  t.end();
});

t.test("no block characters are drawn if the locale has none", (t) => {
  const { record, events } = wholeLife();
  record.splice(3, 0, ends("up 1 failed", 0.3, 1), begins("up 2", 0.4));
  const look = lookOf({ LC_ALL: "C" }, { isTTY: true, columns: 100 });
  const text = timelineLines(timeline(record, { events }), { ...look, colour: false }).join("\n");
  t.match(text, /^[\n -~]+$/);
  t.match(text, /^f2QT1HSJy5: /);
  t.match(text, /=x\n/);
  t.end();
});

t.test("colour shows how a step ended, if there is colour", (t) => {
  const record = [claimEvent(), ends("up 0", 0, 2), ends("up 1 failed", 0, 1), begins("up 2", 0)];
  const drawn = timeline(record, { now: BEGIN + 3 });
  const text = timelineLines(drawn, { ...PLAIN, colour: true, width: 80 }).join("\n");
  t.match(text.replaceAll("\u001b", "^"), /\^\[31m▒+✗\^\[0m/);
  t.match(text.replaceAll("\u001b", "^"), /\^\[34m█+▶\^\[0m/);
  t.notMatch(timelineLines(drawn, PLAIN).join("\n"), "\u001b");
  t.end();
});

/** Ranks 1 to n join one after the other, and one of them takes very long. */
function many(n: number): RecordEvent[] {
  const hosts = Array.from({ length: n + 1 }, (_, rank) => `node${rank}`);
  const claim: RecordEvent = {
    ...{ timestamp: BEGIN, name: "claim", context: claimOf(`0-${n}`, hosts) },
  };
  const joins = hosts.slice(1).map((_, index) => {
    const rank = index + 1;
    return ends(`kubeadm-join ${rank}`, rank / 10, rank / 10 + (rank === 77 ? 200 : 5 + rank / n));
  });
  return [claim, ...joins, ends("sync-external-ip 0", 400, 401), settled(401, "ready")];
}

t.test("thousands of ranks need few bars, and the slowest has its host and rank", (t) => {
  const drawn = timeline(many(2000));
  const lines = timelineLines(drawn, { ...PLAIN, width: 100 });
  t.ok(lines.length < 18, String(lines.length));
  t.match(lines[3], /^\* kubeadm-join +node\[1-2000\] \(rank 1-2000\) /);
  t.match(lines.join("\n"), /\n +fastest +node1 \(rank 1\) +5\.00s /);
  t.match(lines.join("\n"), /\n +median +node1001 \(rank 1001\) /);
  t.match(lines.join("\n"), /\n\* +slowest +node77 \(rank 77\) +3\.333m /);
  t.ok(timelineSvg(drawn).length < 20_000);
  t.end();
});

t.test("many failures need few lines", (t) => {
  const failed = many(50).map((event) => {
    if (event.name !== "step-finish") return event;
    return { ...event, context: { ...event.context, status: "failed", note: "exit 2" } };
  }) as RecordEvent[];
  const text = timelineLines(timeline(failed), PLAIN).join("\n");
  t.match(text, "\nkubeadm-join: failed on node1 (rank 1): exit 2\n");
  t.match(text, /\nand 46 more failures$/);
  t.equal(text.match(/\n[ *] +failed /g)?.length, 3);
  t.end();
});

t.test("the drawing is one file, well-formed, with a description", (t) => {
  const { record, events } = wholeLife();
  const svg = timelineSvg(timeline(record, { events }));
  t.match(
    svg,
    /^<\?xml version="1\.0" encoding="UTF-8"\?>\n<svg xmlns="[^"]+" viewBox="0 0 960 [0-9]+"/,
  );
  t.match(svg, '<title id="title">Kubernetes for job ƒ2QT1HSJy5: 3 nodes ready in 10.50 s</title>');
  t.match(
    svg,
    /<desc id="desc">The bring-up, from alloc to start, took 10\.50 s; its longest chain: stage 0\.20 s,/,
  );
  t.match(svg, ">the job ran 1.50 s<");
  t.match(svg, ">seconds since alloc<");
  t.notMatch(
    svg,
    /<script|@import|@font-face|href|url\((?!#)|https?:(?!\/\/www\.w3\.org\/2000\/svg")/,
  );
  t.notMatch(svg, /NaN|undefined|Infinity/);
  t.ok(isWellFormed(svg));
  t.end();
});

t.test("a name that has markup in it stays a name", (t) => {
  const record = [claimEvent(), ends("up 0", 0, 1), settled(1, "ready")];
  const [claim] = record;
  if (claim?.name === "claim") claim.context.hosts = ['<a>&"\u0007', "b", "c"];
  const svg = timelineSvg(timeline(record));
  t.ok(isWellFormed(svg));
  t.match(svg, "&#60;a&#62;&#38;&#34;?");
  t.notMatch(svg, "<a>");
  t.end();
});

t.test("the legend has only symbols that are drawn", (t) => {
  const record = [claimEvent(), ends("up 0", 0, 1), settled(1, "ready")];
  t.notMatch(timelineSvg(timeline(record)), />failed<|>runs</);
  const failed = [claimEvent(), ends("up 0 failed", 0, 1), begins("up 1", 0)];
  t.match(timelineSvg(timeline(failed, { now: BEGIN + 2 })), />failed<[^]*>runs</);
  t.end();
});

t.test("the JSON has times since the start, and their sums", (t) => {
  const { record, events } = wholeLife();
  const value = timelineJson(timeline(record, { events }));
  t.match(value, {
    ...{ jobid: "ƒ2QT1HSJy5", id: "179836689580032", state: "gone", nodes: 3 },
    t_begin: BEGIN - 0.1,
    phases: [
      {
        ...{ name: "bring-up", from: "alloc", to: "start", begin: 0, end: 10.5, open: false },
        seconds: { before: 0.2, steps: 10.2, between: 0, after: 0.1, total: 10.5 },
      },
      { name: "teardown" },
    ],
  });
  t.match(value.phases[0]?.chain[1], { step: "up", ranks: "0-2", begin: 0.4, seconds: 2 });
  const token = value.phases[0]?.steps.find(({ step }) => step === "remove-archive");
  t.match(token, { hosts: ["a"], status: "ok", chain: false, attempt: 1 });
  t.end();
});

/** Whether each tag of an SVG is closed, and the tag that was opened last is closed first. */
function isWellFormed(svg: string): boolean {
  const open: string[] = [];
  for (const [, close, name = "", self] of svg.matchAll(/<(\/?)([a-z]+)(?:\s[^<>]*?)?(\/?)>/g))
    if (close) {
      if (open.pop() !== name) return false;
    } else if (!self) open.push(name);
  return open.length === 0 && !/&(?!#[0-9]+;)/.test(svg);
}
