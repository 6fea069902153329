/** Properties that hold for random lives of a cluster, whatever the order of events. */
import { fc, MORE } from "../random.js";
import t from "tap";
import { foldJobEvent, foldRecordEvent, forgetRunning } from "../../lib/cluster/fold.js";
import { plan } from "../../lib/cluster/plan.js";
import { ranksOf, type Cluster } from "../../lib/cluster/state.js";
import { STEPS } from "../../lib/cluster/steps.js";
import type { RecordEvent } from "../../lib/record/events.js";
import {
  BEGIN,
  CANCEL,
  claimEvent,
  down,
  emptyCluster,
  jobEvent,
  LIMITS,
  OURS,
  settle,
  step,
  teardown,
} from "../fakes/clusters.js";
import { PureLife, type Traced } from "../fakes/pure-life.js";

const RUNS = 300 * MORE;
const picks = fc.array(fc.nat(11), { minLength: 1, maxLength: 40 });

const job = (...of: Parameters<typeof jobEvent>): Traced => ({ of: "job", event: jobEvent(...of) });
const record = (event: RecordEvent): Traced => ({ of: "record", event });

const anyJobEvent = fc.oneof(
  fc
    .constantFrom("submit", "alloc", "start", "finish", "clean", "free", "release")
    .map((name) => job(name)),
  fc
    .tuple(
      fc.constantFrom("prolog-start", "prolog-finish", "epilog-start", "epilog-finish"),
      fc.constantFrom("usernetes", "site"),
    )
    .map(([name, description]) => job([name, { description }])),
  fc.constantFrom(0, 1).map((severity) => job(["exception", { type: "x", severity, note: "" }])),
  fc.boolean().map((release) => job(["memo", { usernetes: { release } }])),
  fc.nat(99).map((n) => job(["jobspec-update", { "attributes.system.duration": n }])),
);
const anyStep = fc
  .record({
    name: fc.constantFrom(...STEPS),
    // Some of these ranks do not belong to the job.
    ranks: fc.constantFrom("0-2", "0", "1", "2", "1-2", "1,7", "9"),
    status: fc.constantFrom("running", "ok", "failed", "timeout", "lost"),
    attempt: fc.integer({ min: 1, max: 4 }),
  })
  .map(({ name, ranks, status, attempt }) =>
    record(step(`${name} ${ranks} ${status}`, { attempt })),
  );
const anyRecordEvent = fc.oneof(
  { weight: 6, arbitrary: anyStep },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ...[settle("ready"), settle("failed", "x"), settle("canceled")].map(record),
      ...[teardown("finish"), down(), down(1), claimEvent()].map(record),
    ),
  },
);
/** Random events in any order. About half of the traces start with a claim. */
const anyTrace = fc
  .tuple(fc.boolean(), fc.array(fc.oneof(anyJobEvent, anyRecordEvent), { maxLength: 60 }))
  .map(([claim, trace]) => (claim ? [record(claimEvent()), ...trace] : trace));
const anyCluster = fc.constantFrom({}, { usernetes_debug: "yes" }, { usernetes: "maybe" });

function fold(cluster: Cluster, trace: readonly Traced[]): Cluster {
  for (const { of, event } of trace)
    if (of === "job") foldJobEvent(cluster, event);
    else foldRecordEvent(cluster, event);
  return cluster;
}

const actionsOf = (cluster: Cluster, now = BEGIN + 100) => plan(cluster, LIMITS, now).actions;

t.test("no plan has a step on a rank that is not the job's", (t) => {
  fc.assert(
    fc.property(anyTrace, anyCluster, fc.nat(2000), (trace, user, later) => {
      const cluster = fold(emptyCluster(user, 60), trace);
      const ranks = new Set(ranksOf(cluster));
      return actionsOf(cluster, BEGIN + later).every(
        (action) =>
          (action.do !== "call" || action.ranks.every((rank) => ranks.has(rank))) &&
          (action.do !== "local" || ranks.size > 0),
      );
    }),
    { numRuns: RUNS },
  );
  t.end();
});

t.test("no rank is asked for the same step twice in one plan", (t) => {
  fc.assert(
    fc.property(anyTrace, (trace) => {
      const asked = actionsOf(fold(emptyCluster(), trace)).flatMap((action) =>
        action.do === "call"
          ? action.ranks.flatMap((rank) => action.steps.map((name) => `${name} ${rank}`))
          : [],
      );
      return new Set(asked).size === asked.length;
    }),
    { numRuns: RUNS },
  );
  t.end();
});

/** The state of the daemon's prolog and epilog, computed in another way than the daemon does. */
function holdsIn(trace: readonly Traced[]) {
  const events = trace.flatMap(({ of, event }) => (of === "job" ? [event] : []));
  const ours = (name: string) =>
    events.findLastIndex((e) => e.name === name && e.context?.["description"] === "usernetes");
  const first = (name: string) => events.findIndex((e) => e.name === name);
  const cleanup = events.findIndex(
    (e) => e.name === "finish" || (e.name === "exception" && e.context?.["severity"] === 0),
  );
  const epilog = ours("epilog-start");
  return {
    prologOpen: ours("prolog-start") > ours("prolog-finish"),
    started: first("start") >= 0,
    over: cleanup >= 0 || first("clean") >= 0,
    clean: first("clean") >= 0,
    epilogCounted: epilog > ours("epilog-finish") && cleanup >= 0 && epilog > cleanup,
  };
}

t.test("the daemon finishes only its own starts that are counted and unfinished", (t) => {
  fc.assert(
    fc.property(anyTrace, anyCluster, (trace, user) => {
      const holds = holdsIn(trace);
      for (const action of actionsOf(fold(emptyCluster(user, 60), trace))) {
        if (action.do === "finish-prolog" && (!holds.prologOpen || holds.clean)) return false;
        if (action.do === "finish-epilog" && (!holds.epilogCounted || holds.clean)) return false;
      }
      return true;
    }),
    { numRuns: 4 * RUNS },
  );
  t.end();
});

t.test("a prolog that came too late is not finished in CLEANUP", (t) => {
  fc.assert(
    fc.property(anyTrace, (trace) => {
      const late = [job("alloc"), job("start"), job(["prolog-start", OURS]), job("finish")];
      const rest = trace.filter(
        ({ event }) => !["start", "prolog-start", "prolog-finish"].includes(event.name),
      );
      return actionsOf(fold(emptyCluster(), [...late, ...rest])).every(
        (action) => action.do !== "finish-prolog",
      );
    }),
    { numRuns: RUNS },
  );
  t.end();
});

t.test("no job that should run is released without its cluster", (t) => {
  fc.assert(
    fc.property(anyTrace, (trace) => {
      const cluster = fold(emptyCluster(), trace);
      const { started, over } = holdsIn(trace);
      const finishes = actionsOf(cluster).some((action) => action.do === "finish-prolog");
      return !finishes || started || over || cluster.settle?.outcome === "ready";
    }),
    { numRuns: 4 * RUNS },
  );
  t.end();
});

t.test("a record that is read twice gives the same state as when it is read once", (t) => {
  let differing = 0;
  fc.assert(
    fc.property(fc.array(anyRecordEvent), (trace) => {
      const once = fold(emptyCluster(), trace);
      const twice = fold(emptyCluster(), [...trace, ...trace]);
      if (trace.length > 0) differing++;
      return t.same(once, twice);
    }),
    { numRuns: RUNS },
  );
  t.ok(differing > 0);
  t.end();
});

t.test("a successful life ends in any order of its parallel steps", (t) => {
  fc.assert(
    fc.property(picks, (order) => {
      const life = new PureLife().begin();
      return (
        life.play(order, 300) < Infinity &&
        life.has("start") &&
        life.cluster.settle?.outcome === "ready" &&
        life.cluster.down?.left.length === 0
      );
    }),
    { numRuns: RUNS },
  );
  t.end();
});

t.test("the next daemon completes a life after a crash at any point", (t) => {
  fc.assert(
    fc.property(picks, fc.array(fc.nat(), { minLength: 1, maxLength: 3 }), (order, crashes) => {
      let life = new PureLife().begin();
      life.play(order, 300);
      for (const at of crashes) {
        const { trace } = life;
        life = new PureLife().resume(trace.slice(0, 3 + (at % (trace.length - 2))));
        if (life.play(order, 300) === Infinity) return false;
      }
      return life.cluster.down?.left.length === 0;
    }),
    { numRuns: RUNS },
  );
  t.end();
});

t.test("a finished step is not repeated after a crash", (t) => {
  fc.assert(
    fc.property(picks, fc.nat(), (order, at) => {
      const whole = new PureLife().begin();
      whole.play(order, 300);
      const before = whole.trace.slice(0, 3 + (at % (whole.trace.length - 2)));
      const life = new PureLife().resume(before);
      life.play(order, 300);
      const finished = new Set(
        before.flatMap(({ event }) => (event.name === "step-finish" ? [nameOf(event)] : [])),
      );
      // The join command was only in the last daemon's memory, so this step may run again.
      if (!finished.has("publish-join 0")) finished.delete("join-command 0");
      return life.trace
        .slice(before.length)
        .every(({ event }) => event.name !== "step-start" || !finished.has(nameOf(event)));
    }),
    { numRuns: RUNS },
  );
  t.end();
});

function nameOf({ context }: Traced["event"]): string {
  const { step: name, ranks } = context as { step: string; ranks: string };
  return `${name} ${ranks}`;
}

t.test("a life ends after a failure or cancel at any point, followed by a crash", (t) => {
  const failing = fc.record({
    step: fc.constantFrom(...STEPS),
    rank: fc.nat(2),
    status: fc.constantFrom(...(["failed", "timeout", "lost", "permanent", "port"] as const)),
  });
  fc.assert(
    fc.property(picks, fc.nat(120), fc.nat(), failing, (order, cancelAt, crashAt, fails) => {
      const outcome = (name: string, rank: number) =>
        name === fails.step && rank === fails.rank ? fails.status : ("ok" as const);
      const life = new PureLife(outcome).begin();
      life.play(order, cancelAt);
      if (!life.done) life.see(jobEvent(CANCEL, life.now));
      if (life.play(order, 400) === Infinity) return false;
      const trace = life.trace.slice(0, 3 + (crashAt % (life.trace.length - 2)));
      const next = new PureLife(outcome).resume(trace);
      if (next.play(order, 400) === Infinity) return false;
      return next.cluster.claim === undefined || next.cluster.down !== undefined;
    }),
    { numRuns: RUNS },
  );
  t.end();
});

/** Ranks that are lost or come back at the given turns of a life. */
class Coming {
  readonly lost = new Set<number>();
  readonly everLost = new Set<number>();
  private turns = 0;

  constructor(private readonly changes: readonly { at: number; rank: number }[]) {}

  readonly isLost = (rank: number): boolean => this.lost.has(rank);

  turn(): void {
    this.turns++;
    for (const { at, rank } of this.changes) {
      if (at !== this.turns) continue;
      if (!this.lost.delete(rank)) this.lost.add(rank);
      this.everLost.add(rank);
    }
  }
}

const changes = fc.array(fc.record({ at: fc.nat(90), rank: fc.nat(2) }), { maxLength: 6 });

t.test("a life ends and names its leftovers, whatever nodes leave and return", (t) => {
  let failed = 0;
  let lefts = 0;
  fc.assert(
    fc.property(picks, changes, fc.nat(), fc.boolean(), (order, when, crashAt, crash) => {
      const nodes = new Coming(when);
      const limits = { ...LIMITS, lost: nodes.lost };
      const outcome = (_: string, rank: number) =>
        nodes.isLost(rank) ? ("lost" as const) : ("ok" as const);
      let life = new PureLife(outcome, limits).begin();
      for (let turn = 0; turn < 600 && !life.done; turn++) {
        nodes.turn();
        life.turn(order[turn % order.length] ?? 0);
        if (crash && turn === crashAt % 90) life = new PureLife(outcome, limits).resume(life.trace);
      }
      const { down, settle } = life.cluster;
      if (settle?.outcome === "failed") failed++;
      if (down && down.left.length > 0) lefts++;
      return life.done && (down?.left ?? []).every((rank) => nodes.everLost.has(rank));
    }),
    { numRuns: RUNS },
  );
  t.ok(failed > 0 && lefts > 0, "some are lost in time for both");
  t.end();
});

t.test("no plan tears down a node that is lost, or brings up a cluster that has one", (t) => {
  fc.assert(
    fc.property(anyTrace, fc.nat(2), (trace, lost) => {
      const cluster = fold(emptyCluster(), trace);
      const limits = { ...LIMITS, lost: new Set([lost]) };
      const { actions } = plan(cluster, limits, BEGIN + 100);
      return actions.every((action) => action.do !== "call" || !action.ranks.includes(lost));
    }),
    { numRuns: RUNS },
  );
  t.end();
});

t.test("a life ends whatever events the job had while no daemon ran", (t) => {
  fc.assert(
    fc.property(picks, fc.nat(), fc.boolean(), (order, at, gone) => {
      const whole = new PureLife().begin();
      whole.play(order, 300);
      const before = whole.trace.slice(0, 3 + (at % (whole.trace.length - 2)));
      const held = new PureLife().resume(before).cluster.job;
      const since = [job(CANCEL)];
      // A job without a hold becomes inactive before the next daemon starts.
      if (gone && held.prolog !== "counted" && held.epilog !== "counted") since.push(job("clean"));
      const life = new PureLife().resume([...before, ...since]);
      if (life.play(order, 400) === Infinity) return false;
      const { claim, down, job: end } = life.cluster;
      return (!claim || down?.left.length === 0) && end.prolog !== "counted";
    }),
    { numRuns: RUNS },
  );
  t.end();
});

t.test("only running steps and values in memory are lost from a record", (t) => {
  fc.assert(
    fc.property(fc.array(anyRecordEvent), (trace) => {
      const cluster = fold(emptyCluster(), trace);
      const before = new Map(
        [...cluster.steps].map(([name, ranks]) => [name, new Map(ranks)] as const),
      );
      forgetRunning(cluster);
      return [...before].every(([name, ranks]) =>
        [...ranks].every(
          ([rank, at]) =>
            name === "join-command" ||
            (at.status === "running") === (cluster.steps.get(name)?.get(rank) === undefined),
        ),
      );
    }),
    { numRuns: RUNS },
  );
  t.end();
});
