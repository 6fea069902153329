/** A cluster whose job was purged is shown from its entry. */
import t from "tap";
import type { OpenCluster } from "../../lib/record/writer.js";
import { PLAIN } from "../../lib/view/terminal.js";
import { seenOf } from "../../lib/view/job.js";
import { listLines } from "../../lib/view/list.js";
import { statusLines } from "../../lib/view/status.js";
import { summarize } from "../../lib/view/summary.js";
import { BEGIN, claimOf } from "../fakes/clusters.js";

const ENTRY: OpenCluster = {
  jobid: "179836689580032",
  claim: claimOf("0-2", ["a", "b", "c"]),
  claimedAt: BEGIN,
};

function shown(entry: OpenCluster): string {
  const summary = summarize(seenOf(entry), "alice");
  return listLines(summary ? [summary] : [], BEGIN + 90, PLAIN).join("\n");
}

t.test("a cluster whose job was purged is listed from its entry", (t) => {
  t.match(shown({ ...ENTRY, left: [2], downAt: BEGIN + 30 }), / left +0\/3 docker +30\.0s a /);
  t.match(
    shown({ ...ENTRY, left: [0, 1, 2], downAt: BEGIN + 30, kept: true }),
    / kept .* 1\.5m a /,
  );
  t.match(shown(ENTRY), / stopping +0\/3 docker +1\.5m a /, "it is being taken down");
  t.end();
});

t.test("the status of a purged cluster names the nodes with leftovers", (t) => {
  const seen = seenOf({ ...ENTRY, left: [2], downAt: BEGIN + 30 });
  const text = statusLines({ ...seen, user: "alice" }, BEGIN + 90, PLAIN).join("\n");
  t.match(text, /left on +c \(rank 2\)/);
  t.notMatch(text, "deadline", "no bring-up is under way");
  t.end();
});
