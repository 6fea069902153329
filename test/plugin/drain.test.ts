/** A node that the daemon drained is undrained when it has no leftovers. */
import t from "tap";
import { claimOf } from "../fakes/clusters.js";
import { Life, type LifeOptions } from "../fakes/life.js";

const OURS = "usernetes: teardown of ƒ2QT1HSJy5 failed: left behind: volume x";

/** A life after its job has ended, in which these nodes were drained. */
async function after(reasons: Record<string, string>, options: LifeOptions = {}): Promise<Life> {
  const life = new Life(options);
  for (const [rank, reason] of Object.entries(reasons)) life.flux.reasons.set(rank, reason);
  await life.alloc();
  await life.untilStarted();
  life.job.finish();
  await life.untilClean();
  await life.quiet();
  return life;
}

t.test("a node that the daemon drained is undrained when it has no leftovers", async (t) => {
  const life = await after({ "1": OURS, "2": "broken fan", "7": OURS });
  t.strictSame([...life.flux.reasons], [["2", "broken fan"]], "another's reason stays");
  t.match(
    life.printed,
    [/undrained ranks 1,7: no leftovers/].map(() => String),
    "and logged",
  );
});

t.test("a node is not undrained while another cluster exists there or has leftovers", async (t) => {
  const left = { jobid: "1", claim: claimOf("1-2", ["node1", "node2"]), left: [2] };
  const there = { jobid: "2", claim: claimOf("0", ["node0"]) };
  const life = await after({ "0": OURS, "1": OURS, "2": OURS }, { open: [left, there] });
  t.strictSame([...life.flux.reasons.keys()], ["0", "2"]);
});

t.test("a node is not undrained if the configuration leaves it to the administrator", async (t) => {
  const life = await after({ "1": OURS }, { config: { undrain: false } });
  t.strictSame([...life.flux.reasons.keys()], ["1"]);
});

t.test("a node whose teardown fails is drained, and undrained when it is clean", async (t) => {
  const life = new Life();
  let broken = true;
  life.nodes.play = (step, rank) =>
    step === "down-v" && rank === 1 && broken ? { exit: 1, tail: ["left behind: x"] } : undefined;
  await life.alloc();
  await life.untilStarted();
  life.job.finish();
  await life.untilClean();
  t.strictSame(
    [...life.flux.reasons],
    [["1", "usernetes: teardown of ƒ2QT1HSJy5 failed: exit 1: left behind: x"]],
  );
  broken = false;
  const again = life.newReconciler();
  await again.load();
  again.cluster.job.clean = true;
  life.done = false;
  again.reopen([1]);
  await life.untilClean();
  await life.quiet();
  t.strictSame([...life.flux.reasons], []);
});
