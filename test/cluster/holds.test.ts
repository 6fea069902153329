/** Which prolog and epilog events the daemon may still finish (lib/cluster/holds.ts). */
import t from "tap";
import { planHolds } from "../../lib/cluster/holds.js";
import type { Cluster } from "../../lib/cluster/state.js";
import {
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

t.test("ours is the last prolog to go, should another fail", (t) => {
  const site = { description: "site" };
  const other = { description: "other" };
  const cluster = recorded(claimed(), settle("ready"));
  t.strictSame(held(seen(cluster, ["prolog-start", site], ["prolog-start", other])), []);
  t.strictSame(held(seen(cluster, ["prolog-finish", site])), []);
  t.strictSame(held(seen(cluster, ["prolog-finish", other])), ["finish-prolog 0"]);
  t.end();
});

t.test("what is over does not wait for another's prolog", (t) => {
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

t.test("a job whose cluster failed is not let go before its exception is seen", (t) => {
  t.strictSame(held(recorded(claimed(), settle("failed"))), []);
  t.end();
});

t.test("prolog and epilog both keep the nodes until the cluster is down", (t) => {
  t.strictSame(held(seen(claimed(), CANCEL)), []);
  t.strictSame(held(seen(claimed(), CANCEL, EPILOG)), []);
  t.strictSame(held(recorded(seen(claimed(), CANCEL, EPILOG), down())), [
    "finish-prolog 1",
    "finish-epilog",
  ]);
  t.end();
});

t.test("nothing keeps a job that has no cluster", (t) => {
  t.strictSame(held(seen(emptyCluster(), ["prolog-start", OURS], CANCEL)), ["finish-prolog 1"]);
  t.strictSame(held(seen(emptyCluster(), ["prolog-start", OURS], "alloc", CANCEL, EPILOG)), [
    "finish-prolog 1",
    "finish-epilog",
  ]);
  t.end();
});

t.test("nodes are kept until the cluster is down, whatever is left of it", (t) => {
  const cluster = seen(claimed(), ["prolog-finish", OURS], "start", "finish", EPILOG);
  t.strictSame(held(cluster), []);
  t.strictSame(held(recorded(cluster, down(1))), ["finish-epilog"]);
  t.end();
});

t.test("a prolog without an epilog is let go when the cluster is down", (t) => {
  t.strictSame(held(recorded(seen(claimed(), CANCEL), down())), ["finish-prolog 1"]);
  t.end();
});

t.test("a hold is let go once", (t) => {
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

t.test("a site's own prolog and epilog are not ours to finish", (t) => {
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

t.test("a job that is clean needs nothing any more", (t) => {
  t.strictSame(held(recorded(seen(claimed(), CANCEL, EPILOG, "clean"), down())), []);
  t.end();
});
