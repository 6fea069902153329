/** Counts and durations for the metrics. */
import t from "tap";
import type { Meter } from "../../plugin/metrics/metrics.js";
import { Life } from "../fakes/life.js";

/** A meter that writes each count as a line of text. */
class Counting implements Meter {
  readonly counted: string[] = [];

  step({ step, status, seconds }: Parameters<Meter["step"]>[0]): void {
    this.counted.push(`step ${step} ${status} ${seconds >= 0 ? "took" : "?"}`);
  }
  retry(step: string, ranks: number): void {
    this.counted.push(`retry ${step} ${ranks}`);
  }
  hold(inTime: boolean): void {
    this.counted.push(`hold ${inTime ? "in time" : "late"}`);
  }
  nodesReady(seconds: number): void {
    this.counted.push(`step nodes ready ${seconds >= 0 ? "took" : "?"}`);
  }
  settle(outcome: string, seconds: number | undefined): void {
    this.counted.push(`settle ${outcome} ${seconds === undefined ? "?" : "took"}`);
  }
  endHold(by: string): void {
    this.counted.push(`kept by ${by}`);
  }
  teardown(left: number): void {
    this.counted.push(`teardown ${left}`);
  }
  bridgeRestart(): void {
    this.counted.push("bridge");
  }

  /** The counts without those of steps. */
  get marks(): string[] {
    return this.counted.filter((each) => !each.startsWith("step "));
  }
}

t.test("a life is counted with each rank's steps, its hold, its settle and its end", async (t) => {
  const meter = new Counting();
  const life = await new Life({ meter }).alloc();
  await life.untilStarted();
  life.job.finish();
  await life.untilClean();
  t.same(meter.marks, ["settle ready took", "hold in time", "teardown 0", "kept by epilog"]);
  const ups = meter.counted.filter((each) => each === "step up ok took");
  t.equal(ups.length, 3);
  const nodes = meter.counted.filter((each) => each.startsWith("step nodes ready"));
  t.same(nodes, ["step nodes ready took"]);
});

t.test("a repeated step counts as a retry, on the ranks that repeat it", async (t) => {
  const meter = new Counting();
  const life = new Life({ meter });
  life.nodes.play = (step, rank, attempt) =>
    step === "up" && rank !== 0 && attempt === 1 ? { exit: 2, tail: ["no"] } : undefined;
  await life.alloc();
  await life.untilStarted();
  t.same(meter.marks.slice(0, 1), ["retry up 2"]);
  t.equal(meter.counted.filter((each) => each === "step up failed took").length, 2);
});

t.test("a job that was not held in time is counted once as such", async (t) => {
  const meter = new Counting();
  const life = new Life({ meter });
  life.job.lateHold = true;
  await life.alloc();
  await life.until(() => meter.marks.includes("settle ready took"));
  await life.restart();
  life.job.finish();
  await life.untilClean();
  t.same(meter.marks, ["hold late", "settle ready took", "teardown 0", "kept by epilog"]);
});

t.test("a job that had started when the daemon saw it counts as not held", async (t) => {
  const meter = new Counting();
  const life = new Life({ meter });
  life.job.submit();
  life.job.post("prolog-finish", { description: "usernetes", status: 0 });
  life.job.eventlog.splice(1, 2);
  life.job.alloc();
  await life.restart();
  t.same(meter.marks, ["hold late", "settle ready took"]);
});

t.test("no hold is counted with a prolog of the site", async (t) => {
  const meter = new Counting();
  const life = await new Life({ meter, config: { hold: "perilog" } }).alloc();
  await life.untilStarted();
  t.same(meter.marks, ["settle ready took"]);
});

t.test("a cluster that is kept for debugging does not count as a teardown", async (t) => {
  const meter = new Counting();
  const life = await new Life({
    meter,
    user: { usernetes: "yes", usernetes_debug: "yes" },
  }).alloc();
  await life.until(() => meter.marks.includes("settle ready took"));
  life.job.exception("cancel", 0);
  await life.untilClean();
  t.same(meter.marks, ["settle ready took"]);
});

t.test("a job whose shell waited for the teardown is counted as such", async (t) => {
  const meter = new Counting();
  const life = await new Life({ meter }).alloc();
  await life.untilStarted();
  life.job.tasksDone();
  await life.until(() => life.record.at(-1) === "down, left []");
  life.job.finish();
  await life.untilClean();
  t.same(meter.marks.slice(2), ["teardown 0", "kept by shell"]);
});

t.test("a job that was canceled while its shell waited is counted as such", async (t) => {
  const meter = new Counting();
  const life = await new Life({ meter }).alloc();
  await life.untilStarted();
  life.job.tasksDone();
  life.job.exception("cancel", 0);
  await life.untilClean();
  t.same(meter.marks.slice(2), ["teardown 0", "kept by epilog"]);
});

t.test("a job whose nodes were free before its cluster was removed counts as late", async (t) => {
  const meter = new Counting();
  const life = await new Life({ meter }).alloc();
  await life.untilStarted();
  life.job.append("finish", { status: 0 });
  for (const name of ["free", "clean"]) life.job.append(name);
  life.clock.advance(1);
  await life.untilClean();
  t.same(meter.marks.slice(2), ["teardown 0", "kept by late"]);
});

t.test("a job that is canceled after its teardown counts as kept by its shell", async (t) => {
  const meter = new Counting();
  const life = await new Life({ meter }).alloc();
  await life.untilStarted();
  life.job.tasksDone();
  await life.until(() => life.record.at(-1) === "down, left []");
  const { clock } = life;
  clock.advance(10);
  // The bridge does not post an epilog for this job any more.
  life.job.append("exception", { type: "cancel", severity: 0, note: "" });
  for (const name of ["finish", "free", "clean"]) life.job.append(name);
  await life.untilClean();
  t.same(meter.marks.slice(2), ["teardown 0", "kept by shell"]);
});

t.test("a later cleaning is counted once", async (t) => {
  const meter = new Counting();
  const life = await new Life({ meter }).alloc();
  await life.untilStarted();
  life.nodes.play = (step) => (step === "down-v" ? { exit: 1 } : undefined);
  life.job.finish();
  await life.untilClean();
  life.nodes.play = () => undefined;
  life.clock.advance(60_000);
  life.done = false;
  await life.restart();
  life.reconciler.reopen([0, 1, 2]);
  await life.untilClean();
  t.equal(life.record.at(-1), "down, left []");
  t.same(
    meter.marks.filter((mark) => mark.startsWith("kept")),
    ["kept by epilog"],
  );
});
