/** The rows of `flux usernetes list`. */
import t from "tap";
import type { Cluster } from "../../lib/cluster/state.js";
import { formatEvent, type RecordEvent } from "../../lib/record/events.js";
import { HEADING, listLines, order } from "../../lib/view/list.js";
import { cut, fsd, lookOf, nameOf, PLAIN } from "../../lib/view/terminal.js";
import { summarize, summaryJson, type Summary } from "../../lib/view/summary.js";
import { instanceOf } from "../../lib/view/job.js";
import {
  BEGIN,
  CANCEL,
  claimEvent,
  down,
  emptyCluster,
  recorded,
  seen,
  settle,
  step,
  teardown,
} from "../fakes/clusters.js";

const JOB = 179836689580032n;

function summary(record: RecordEvent[], cluster: Cluster = emptyCluster()): Summary {
  const reported = summarize(
    { cluster: recorded(cluster, ...record), events: [], record },
    "alice",
  );
  if (!reported) throw new Error("it has no cluster");
  return reported;
}

const lines = (record: RecordEvent[], cluster?: Cluster) =>
  listLines([summary(record, cluster)], BEGIN + 90, PLAIN);

t.test("a cluster is one line below the header", (t) => {
  t.same(
    [HEADING, ...lines([claimEvent(), settle("ready")])],
    [
      "       JOBID USER     STATE      NODES ENGINE     TIME LEAD     HOSTS",
      "  ƒ2QT1HSJy5 alice    ready        3/3 docker     1.5m a        a,b,c",
    ],
  );
  t.end();
});

t.test("a node counts as ready when it has joined", (t) => {
  t.match(lines([claimEvent()])[0], / starting +0\/3 /);
  const joined = [claimEvent(), step("kubeadm-init 0"), step("kubeadm-join 2")];
  t.match(lines(joined)[0], / starting +2\/3 /);
  const without: RecordEvent = {
    ...{ timestamp: BEGIN, name: "settle" },
    context: { outcome: "ready", without: "1" },
  };
  t.match(lines([claimEvent(), without])[0], / ready +2\/3 /);
  t.match(lines([claimEvent(), settle("ready"), teardown("cancel")])[0], / stopping +0\/3 /);
  t.end();
});

t.test("each state has its name", (t) => {
  const word = (record: RecordEvent[], cluster?: Cluster) =>
    summary([claimEvent(), ...record], cluster).state;
  const debug = () => emptyCluster({ usernetes_debug: "yes" });
  const kept: RecordEvent = { timestamp: BEGIN, name: "down", context: { left: [], kept: true } };
  t.equal(word([]), "starting");
  t.equal(word([settle("ready")]), "ready");
  t.equal(word([settle("failed", "no")]), "failed");
  t.equal(word([settle("ready")], debug()), "held");
  t.equal(word([settle("ready")], seen(emptyCluster(), CANCEL)), "stopping");
  t.equal(word([settle("canceled")]), "stopping");
  t.equal(word([settle("ready"), teardown("finish"), down()]), "gone");
  t.equal(word([settle("ready"), teardown("finish"), down(1)]), "left");
  t.equal(word([settle("ready"), kept]), "kept");
  t.end();
});

t.test("the time stops when the cluster is removed", (t) => {
  const gone: RecordEvent = { timestamp: BEGIN + 30, name: "down", context: { left: [] } };
  t.match(lines([claimEvent(), gone])[0], / 30\.0s /);
  t.end();
});

t.test("the time continues for a cluster that is kept for debugging", (t) => {
  const kept: RecordEvent = {
    ...{ timestamp: BEGIN + 30, name: "down" },
    context: { left: [], kept: true },
  };
  const record = [claimEvent(), kept];
  t.match(lines(record)[0], / kept .* 1\.5m /);
  t.match(summaryJson(summary(record), BEGIN + 90, "x"), { age: 90, t_down: null });
  const cleaned: RecordEvent = { timestamp: BEGIN + 60, name: "down", context: { left: [] } };
  t.match(lines([...record, cleaned])[0], / gone .* 1m /, "until it is cleaned");
  t.end();
});

t.test("a job without a claim has no cluster", (t) => {
  t.equal(summarize({ cluster: emptyCluster(), events: [], record: [] }, "alice"), undefined);
  t.end();
});

t.test("a line is cut at the width of the terminal before it is coloured", (t) => {
  const look = { ...PLAIN, width: 40 };
  const [plain = ""] = listLines([summary([claimEvent(), settle("ready")])], BEGIN, look);
  t.equal(plain.length, 40);
  t.match(plain, /\+$/);
  const [painted] = listLines([summary([claimEvent(), settle("ready")])], BEGIN, {
    ...look,
    colour: true,
  });
  t.equal(painted, plain.replace("ready", "\u001b[32mready\u001b[0m"));
  t.equal(cut("abc", { ...PLAIN, width: 3 }), "abc");
  t.end();
});

t.test("a terminal gets colour unless NO_COLOR is set, and is redrawn; a pipe is not", (t) => {
  const terminal = { isTTY: true, columns: 100 };
  const TERM = "xterm";
  t.match(lookOf({ TERM }, terminal), { width: 100, colour: true, redraws: true });
  t.match(lookOf({ TERM, NO_COLOR: "1" }, terminal), { colour: false, redraws: true });
  t.match(lookOf({ TERM }, {}), { width: Infinity, colour: false, redraws: false });
  t.end();
});

t.test("a dumb or unknown terminal gets no escape sequences", (t) => {
  const terminal = { isTTY: true, columns: 100 };
  for (const TERM of ["dumb", "", undefined])
    t.match(lookOf({ TERM }, terminal), { width: 100, colour: false, redraws: false });
  t.end();
});

t.test("an ID has a plain f where flux jobs prints one", (t) => {
  const name = (env: Record<string, string>) => nameOf(JOB, lookOf(env, {}));
  t.equal(name({ LANG: "C.UTF-8" }), "ƒ2QT1HSJy5");
  t.equal(name({ LANG: "en_US.utf8" }), "ƒ2QT1HSJy5");
  t.equal(name({ LANG: "en_US.ISO-8859-1" }), "f2QT1HSJy5");
  t.equal(name({ LANG: "C.UTF-8", LC_ALL: "C" }), "f2QT1HSJy5");
  t.equal(name({ LANG: "C.UTF-8", FLUX_F58_FORCE_ASCII: "1" }), "f2QT1HSJy5");
  // Python, and therefore flux jobs, prints ƒ in these locales.
  t.equal(name({ LANG: "C" }), "ƒ2QT1HSJy5");
  t.equal(name({ LC_CTYPE: "POSIX", LANG: "en_US.ISO-8859-1" }), "ƒ2QT1HSJy5");
  t.equal(name({}), "ƒ2QT1HSJy5");
  t.equal(nameOf(0n), "instance");
  t.end();
});

t.test("times are printed in a short form", (t) => {
  const times = [0.04, 59.9, 90, 3599, 5400, 90_000].map(fsd);
  t.same(times, ["0.0s", "59.9s", "1.5m", "59.98m", "1.5h", "1.042d"]);
  t.end();
});

t.test("the newest cluster is first, after the instance's own", (t) => {
  const at = (jobid: bigint, claimedAt: number) => ({
    ...summary([claimEvent()]),
    jobid,
    claimedAt,
  });
  const ordered = order([at(1n, 10), at(2n, 20), at(0n, 5), at(3n, 15)]);
  t.same(
    ordered.map(({ jobid }) => jobid),
    [0n, 2n, 3n, 1n],
  );
  t.end();
});

t.test("the JSON has IDs as strings and times in seconds since the epoch", (t) => {
  const value = summaryJson(summary([claimEvent(), settle("ready")]), BEGIN + 2, "ƒ2QT1HSJy5");
  t.same(value, {
    ...{ jobid: "ƒ2QT1HSJy5", id: String(JOB), user: "alice", userid: 500, state: "ready" },
    ...{ engine: "docker", lead: "a", hosts: ["a", "b", "c"], ranks: "0-2" },
    ...{ workdir: "/tmp/usernetes-ƒ2qt1hsjy5", nodes: { ready: 3, asked: 3 }, age: 2 },
    ...{ t_claim: BEGIN, t_settle: BEGIN, t_down: null },
  });
  t.end();
});

t.test("the instance's cluster is read from its own record", (t) => {
  const text = (...record: RecordEvent[]) => record.map(formatEvent).join("");
  t.equal(instanceOf(""), undefined);
  const seen = instanceOf(text(claimEvent(), settle("ready"), down()));
  t.equal(seen?.record.length, 3);
  t.equal(seen?.cluster.down?.left.length, 0);
  t.equal(seen?.cluster.jobid, 0n);
  t.end();
});
