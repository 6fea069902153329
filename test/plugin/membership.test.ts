/** Which ranks are up, lost or back. */
import t from "tap";
import { Membership } from "../../plugin/membership.js";
import { FakeClock } from "../fakes/fake-clock.js";
import { Life } from "../fakes/life.js";

t.test("a rank that is not up may still come while the instance starts", (t) => {
  const clock = new FakeClock();
  const nodes = new Membership();
  let changes = 0;
  nodes.onChange(() => changes++);
  t.notOk(nodes.mayStillCome([0], clock.now()), "it is not known to be young");
  nodes.startedAt(clock.now() - 10, clock);
  t.ok(nodes.mayStillCome([0], clock.now()), "nobody has been seen");
  nodes.set([0, 1]);
  t.notOk(nodes.mayStillCome([0, 1], clock.now()));
  t.ok(nodes.mayStillCome([1, 2], clock.now()));
  nodes.set([0]);
  t.notOk(nodes.mayStillCome([1], clock.now()), "it came, and is lost");
  t.equal(changes, 2);
  clock.advance(50_000);
  t.equal(changes, 3, "the end of it is a change");
  t.notOk(nodes.mayStillCome([1, 2], clock.now()));
  t.end();
});

t.test("brokers of an instance that has run for long are lost at once", (t) => {
  const clock = new FakeClock();
  const nodes = new Membership();
  nodes.startedAt(clock.now() - 3600, clock);
  t.equal(clock.asked, 0);
  t.notOk(nodes.mayStillCome([1], clock.now()));
  t.end();
});

/** A job whose cluster was starting when Flux crashed. Only rank 0 is up again. */
async function afterACrash() {
  const life = new Life();
  life.nodes.play = (step, _rank, attempt) =>
    step === "wait-ready" && attempt === 1 ? { hangs: true } : undefined;
  await life.alloc();
  await life.until(() => life.nodes.started.includes("wait-ready 0"));
  life.world.nodes = new Membership();
  life.world.nodes.startedAt(life.clock.now(), life.clock);
  life.world.nodes.set([0]);
  await life.restart();
  await life.quiet();
  return life;
}

t.test("a cluster waits for its brokers after a crash of Flux, and continues", async (t) => {
  const life = await afterACrash();
  const { length } = life.nodes.commands;
  life.clock.advance(30_000);
  await life.quiet();
  t.equal(life.nodes.commands.length, length, "nothing is run meanwhile");
  life.world.nodes.set([0, 1, 2]);
  await life.untilStarted();
  t.ok(life.record.includes("settle ready"));
});

t.test("a broker that does not return after a crash of Flux is lost", async (t) => {
  const life = await afterACrash();
  life.world.nodes.set([0, 1]);
  await life.until(() => life.record.some((line) => line.startsWith("settle")));
  t.match(
    life.record.find((line) => line.startsWith("settle")),
    /^settle failed.*node2 \(rank 2\) was lost/,
  );
});
