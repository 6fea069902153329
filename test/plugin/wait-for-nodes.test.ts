/** A job waits for the slow teardown of an inactive job's cluster on its nodes. */
import t from "tap";
import { OpenClusters } from "../../plugin/open-clusters.js";
import { claimOf } from "../fakes/clusters.js";
import { Life } from "../fakes/life.js";

const other = { jobid: "1", claim: claimOf("0-1", ["node0", "node9"]) };
const waits = (life: Life) =>
  life.printed.filter((line) => line.includes("waiting for the teardown"));

t.test("a job waits for an earlier teardown on its nodes before its claim", async (t) => {
  const life = new Life({ open: [other] });
  life.world.open.setReleased(1n);
  await life.alloc();
  life.clock.advance(60_000);
  await life.quiet();
  t.strictSame(life.record, []);
  t.strictSame(waits(life), ["info: ƒ2QT1HSJy5: waiting for the teardown of ƒ2 on its nodes"]);
  t.strictSame(life.flux.memos, [
    { usernetes: { state: "waiting", reason: "the teardown of ƒ2 on its nodes" } },
  ]);
  life.world.open.remove(1n);
  await life.untilStarted();
  t.equal(life.record[0], "claim 0-2");
});

t.test("a job waits no longer than a bring-up may take", async (t) => {
  const life = new Life({ open: [other], config: { "bring-up-timeout": "30s" } });
  life.world.open.setReleased(1n);
  await life.alloc();
  life.clock.advance(29_000);
  await life.quiet();
  t.strictSame(life.record, []);
  life.clock.advance(1_001);
  await life.untilStarted();
  t.equal(waits(life).length, 1);
});

t.test("a job does not wait for active jobs or for failed teardowns", async (t) => {
  for (const open of [other, { ...other, left: [0] }]) {
    const life = new Life({ open: [open] });
    if ("left" in open) life.world.open.setReleased(1n);
    await life.alloc();
    await life.untilStarted();
    t.strictSame(waits(life), []);
  }
});

t.test("a job that is canceled while it waits ends at once and claims nothing", async (t) => {
  const life = new Life({ open: [other] });
  life.world.open.setReleased(1n);
  await life.alloc();
  await life.quiet();
  life.job.exception("cancel", 0, "");
  await life.untilClean();
  life.world.open.remove(1n);
  await life.quiet();
  t.strictSame(life.record, []);
});

t.test("each of ten jobs in turn on the same nodes waits for the one before", async (t) => {
  const open = new OpenClusters();
  const lives = Array.from({ length: 10 }, (_, i) => {
    const life = new Life({ jobid: BigInt(i + 1), ranks: i % 2 === 0 ? [0, 1] : [1, 2] });
    life.world.open = open;
    life.reconciler = life.newReconciler();
    // Each teardown takes 100 s, so the next job has to wait for it.
    life.nodes.play = (step) => (step === "down-v" ? { seconds: 100 } : undefined);
    return life;
  });
  let before: Life | undefined;
  for (const life of lives) {
    await life.alloc();
    await life.quiet();
    if (before) {
      t.strictSame(life.record, [], "it waits");
      await before.untilClean();
      t.equal(before.record.at(-1), "down, left []");
    }
    await life.untilStarted();
    // The job gets no epilog, so Flux releases its nodes at once.
    for (const name of ["finish", "free", "clean"]) life.job.append(name);
    before = life;
  }
  await before?.untilClean();
  t.strictSame(open.all(), []);
});
