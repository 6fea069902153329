/** One line of the log for ranks that end a step in the same way. */
import t from "tap";
import { encodeIdset } from "../../lib/flux/idset.js";
import { StepLog, type StepEnded } from "../../plugin/step-log.js";
import { claimOf, emptyCluster, recorded } from "../fakes/clusters.js";
import { FakeClock } from "../fakes/fake-clock.js";

function ending(hosts: string[]) {
  const clock = new FakeClock();
  const ranks = hosts.map((_, rank) => rank);
  const context = claimOf(encodeIdset(ranks), hosts);
  const cluster = recorded(emptyCluster(), { timestamp: 1, name: "claim", context });
  const printed: string[] = [];
  const ends = new StepLog(cluster, clock, (level, text) => printed.push(`${level}: ${text}`));
  const end = (rank: number, more: Partial<StepEnded> = {}, others = true) => {
    const ok = { step: "up", attempt: 1, status: "ok", note: "", seconds: 1, tail: [] } as const;
    ends.add({ ...ok, rank, ...more }, others);
  };
  return { clock, logged: printed, end, ends };
}

t.test("each result of a step is a line, with the time of the slowest rank", (t) => {
  const { logged: messages, end } = ending(["a0", "a1", "a2", "a3"]);
  end(2, { seconds: 2.5 });
  end(0);
  end(3, { attempt: 2 });
  t.strictSame(messages, []);
  end(1, { status: "lost", note: "stopped" }, false);
  t.strictSame(messages, [
    "info: up: a[0,2] (rank 0,2): ok in 2.5 s",
    "info: up: a3 (rank 3): ok in 1 s (try 2)",
    "info: up: a1 (rank 1): lost: stopped",
  ]);
  t.end();
});

t.test("the group does not wait for slow ranks", (t) => {
  const { clock, logged, end } = ending(["a0", "a1"]);
  end(0);
  clock.advance(900);
  t.strictSame(logged, []);
  clock.advance(101);
  t.strictSame(logged, ["info: up: a0 (rank 0): ok in 1 s"]);
  t.end();
});

t.test("the printed lines of a failure are those of the first rank", (t) => {
  const { logged, end, ends } = ending(["a0", "a1", "a2", "a3"]);
  const failed = { status: "failed", note: "exit 2: no disk" } as const;
  end(3, { ...failed, tail: ["on a3", "no disk"] });
  end(1, { ...failed, tail: ["on a1", "no disk"] });
  ends.flush();
  t.strictSame(logged, [
    "error: up: a[1,3] (rank 1,3): failed: exit 2: no disk",
    ...["debug: up: rank 3: on a3", "debug: up: rank 3: no disk"],
  ]);
  t.end();
});

t.test("long lists of names leave room for the result", (t) => {
  const scattered = Array.from({ length: 200 }, (_, i) => `node-${i * 7919}-x${i % 3}.cluster`);
  const { logged, end, ends } = ending(scattered);
  for (const rank of scattered.keys()) if (rank % 2) end(rank);
  ends.flush();
  const [line = ""] = logged;
  t.match(line, /^info: up: node-.* \(rank 1,3,.*\) and [0-9]+ more: ok in 1 s$/);
  t.ok(line.length < 400, line);
  t.end();
});
