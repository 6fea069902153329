/** Which prolog and epilog events the daemon may still finish (lib/cluster/holds.ts). */
import t from "tap";
import { keptBy, planHolds } from "../../lib/cluster/holds.js";
import { milestones } from "../../lib/cluster/milestones.js";
import type { Down } from "../../lib/record/events.js";
import type { Cluster } from "../../lib/cluster/state.js";
import { foldJobEvent } from "../../lib/cluster/fold.js";
import {
  BEGIN,
  CANCEL,
  claimed,
  claimEvent,
  describeAction,
  down,
  emptyCluster,
  OURS,
  recorded,
  seen,
  settle,
} from "../fakes/clusters.js";

const held = (cluster: Cluster, extended = true): string[] =>
  planHolds(cluster, extended).map(describeAction);
const EPILOG: [string, Record<string, unknown>] = ["epilog-start", OURS];

t.test("a job is held until its cluster is ready", (t) => {
  t.strictSame(held(seen(emptyCluster(), ["prolog-start", OURS], "alloc")), []);
  t.strictSame(held(claimed()), []);
  t.strictSame(held(recorded(claimed(), settle("ready"))), ["finish-prolog 0"]);
  t.end();
});

t.test("the daemon's prolog finishes last, in case another fails", (t) => {
  const site = { description: "site" };
  const other = { description: "other" };
  const cluster = recorded(claimed(), settle("ready"));
  t.strictSame(held(seen(cluster, ["prolog-start", site], ["prolog-start", other])), []);
  t.strictSame(held(seen(cluster, ["prolog-finish", site])), []);
  t.strictSame(held(seen(cluster, ["prolog-finish", other])), ["finish-prolog 0"]);
  t.end();
});

t.test("a job that is over does not wait for another prolog", (t) => {
  const cluster = seen(claimed(), ["prolog-start", { description: "site" }], CANCEL, EPILOG);
  t.strictSame(held(recorded(cluster, down())), ["finish-prolog 1", "finish-epilog"]);
  t.end();
});

t.test("a job is held until it has its time back", (t) => {
  t.strictSame(held(recorded(claimed(), settle("ready")), false), []);
  const over = recorded(seen(claimed(), CANCEL, EPILOG), down());
  t.strictSame(held(over, false), ["finish-prolog 1", "finish-epilog"], "or is over");
  t.end();
});

t.test("a job whose cluster failed is not released before its exception is seen", (t) => {
  t.strictSame(held(recorded(claimed(), settle("failed"))), []);
  t.end();
});

t.test("prolog and epilog keep the nodes until the cluster is down", (t) => {
  t.strictSame(held(seen(claimed(), CANCEL)), []);
  t.strictSame(held(seen(claimed(), CANCEL, EPILOG)), []);
  t.strictSame(held(recorded(seen(claimed(), CANCEL, EPILOG), down())), [
    "finish-prolog 1",
    "finish-epilog",
  ]);
  t.end();
});

t.test("a job that has no cluster is not held", (t) => {
  t.strictSame(held(seen(emptyCluster(), ["prolog-start", OURS], CANCEL)), ["finish-prolog 1"]);
  t.strictSame(held(seen(emptyCluster(), ["prolog-start", OURS], "alloc", CANCEL, EPILOG)), [
    "finish-prolog 1",
    "finish-epilog",
  ]);
  t.end();
});

t.test("nodes are kept until the teardown has ended, with or without leftovers", (t) => {
  const cluster = seen(claimed(), ["prolog-finish", OURS], "start", "finish", EPILOG);
  t.strictSame(held(cluster), []);
  t.strictSame(held(recorded(cluster, down(1))), ["finish-epilog"]);
  t.end();
});

t.test("a prolog without an epilog is finished when the cluster is down", (t) => {
  t.strictSame(held(recorded(seen(claimed(), CANCEL), down())), ["finish-prolog 1"]);
  t.end();
});

t.test("a hold is released once", (t) => {
  const cluster = recorded(claimed(), settle("ready"));
  t.strictSame(held(seen(cluster, ["prolog-finish", OURS])), []);
  seen(cluster, "start", "finish", EPILOG, ["epilog-finish", OURS]);
  t.strictSame(held(recorded(cluster, down())), []);
  t.end();
});

t.test("a late prolog is finished while the job runs, never in CLEANUP", (t) => {
  const late = () => seen(emptyCluster(), "alloc", "start", ["prolog-start", OURS]);
  t.strictSame(held(late()), ["finish-prolog 0"]);
  t.strictSame(held(seen(late(), "finish")), []);
  t.strictSame(held(seen(late(), CANCEL)), []);
  t.end();
});

t.test("a late epilog is never finished", (t) => {
  const cluster = seen(claimed(), ["prolog-finish", OURS], "start", EPILOG, "finish");
  t.strictSame(held(recorded(cluster, down())), []);
  t.end();
});

t.test("the daemon does not finish a site's own prolog or epilog", (t) => {
  const site = { description: "site" };
  const cluster = seen(emptyCluster(), ["prolog-start", site], CANCEL, ["epilog-start", site]);
  t.strictSame(held(cluster), []);
  t.end();
});

t.test("a job that asks for debug is held until it is released", (t) => {
  const cluster = recorded(
    seen(emptyCluster({ usernetes_debug: "yes" }), ["prolog-start", OURS], "alloc"),
    claimEvent(),
    settle("ready"),
  );
  t.strictSame(held(cluster), []);
  t.strictSame(held(seen(cluster, ["memo", { usernetes: { release: true } }])), [
    "finish-prolog 0",
  ]);
  t.end();
});

t.test("an inactive job needs no action", (t) => {
  t.strictSame(held(recorded(seen(claimed(), CANCEL, EPILOG, "clean"), down())), []);
  t.end();
});

/** A job that ended after the first teardown. Later ones remove leftovers or a kept cluster. */
function ended(user: Record<string, unknown>, first: Down, ...later: Down[]): Cluster {
  const at = (seconds: number, name: string) => ({ timestamp: BEGIN + seconds, name });
  const cluster = seen(emptyCluster(user), "alloc", "start");
  recorded(cluster, claimEvent(), settle("ready"));
  foldJobEvent(cluster, at(10, "finish"));
  recorded(cluster, { ...at(11, "down"), name: "down", context: first });
  for (const name of ["free", "clean"]) foldJobEvent(cluster, at(12, name));
  for (const context of later) recorded(cluster, { ...at(60, "down"), name: "down", context });
  return cluster;
}

t.test("a later clean does not make the job's teardown late", (t) => {
  const late = (cluster: Cluster) =>
    [...milestones(cluster).values()].filter((it) => it.startsWith("late epilog"));
  const debug = { usernetes_debug: "yes" };
  const kept: Down = { left: [], kept: true };
  for (const [user, ...downs] of [
    [debug, kept, { left: [] }],
    [{}, { left: [1] }, { left: [] }],
  ] as [Record<string, unknown>, Down, Down][]) {
    const cluster = ended(user, ...downs);
    t.equal(keptBy(cluster), user === debug ? undefined : "epilog");
    cluster.job.tasksDoneAt = BEGIN + 9;
    t.strictSame(late(cluster), []);
  }
  t.equal(keptBy(ended(debug, kept)), undefined, "before clean");
  t.end();
});

t.test("a teardown that ends after the nodes are free is late", (t) => {
  const cluster = seen(claimed(), "start", "finish", "free", "clean");
  recorded(cluster, { timestamp: BEGIN + 1, name: "down", context: { left: [] } });
  t.equal(keptBy(cluster), "late");
  t.end();
});
