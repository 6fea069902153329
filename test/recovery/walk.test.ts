/**
 * The daemon is killed at every effect of a job's life, before and after the effect takes place.
 * The job is also canceled at every effect. The walk counts the effects, so a step that is added to
 * the plan is covered without a new test.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import t, { type Test } from "tap";
import type { JobEvent } from "../../lib/cluster/fold.js";
import { decodeIdset } from "../../lib/flux/idset.js";
import { Life, type LifeOptions } from "../fakes/life.js";
import { MortalWorld, type Death } from "../fakes/mortal-world.js";
import type { Play } from "../fakes/playing-run.js";

interface Scenario {
  options?: LifeOptions;
  play?: Play;
  /** Brings the job to its end. It can be called again after the daemon has died. */
  end: (life: Life) => Promise<void>;
  /** The expected settle entry. Undefined if it depends on the effect. */
  settles?: string | undefined;
  /** The ranks whose part of the cluster is kept for `flux usernetes clean`. */
  kept?: string;
  /** The types of the job's fatal exceptions. */
  raises: string[];
}

const TASKS_DONE = { usernetes: { tasks: "done" } };

const count = (life: Life, name: string) =>
  life.job.eventlog.filter((event) => event.name === name).length;
const hasSettled = (life: Life) => life.record.some((line) => line.startsWith("settle"));
const isDone = (life: Life) => life.done || life.job.has("clean");

/** The steps that have succeeded by the record, in the form of the nodes: `step rank`. */
function recordedOk(life: Life): Set<string> {
  const ok = new Set<string>();
  for (const event of life.flux.record)
    if (event.name === "step-finish" && event.context.status === "ok")
      for (const rank of decodeIdset(event.context.ranks)) ok.add(`${event.context.step} ${rank}`);
  return ok;
}

function newLife({ options, play }: Scenario): Life {
  const life = new Life(options);
  if (play) life.nodes.play = play;
  return life;
}

/**
 * Runs a life in which the daemon dies at one effect and another daemon continues. Returns
 * undefined if the life was over before this effect.
 */
async function liveAndDie(scenario: Scenario, death: Death, happens?: (life: Life) => void) {
  const life = newLife(scenario);
  const { world, clock } = life;
  const happensNow =
    happens &&
    (() => {
      happens(life);
    });
  const mortal = new MortalWorld({ ...death, ...(happensNow && { happens: happensNow }) }, () => {
    life.reconciler.leave();
    // No time passes until the next daemon has started.
    clock.advanceToNext = () => false;
  });
  life.world = mortal.wrap(world);
  life.reconciler.leave();
  life.reconciler = life.newReconciler();
  let allocated: Life | undefined;
  const reading = () => allocated === undefined;
  const first = life.alloc().then((same) => {
    allocated = same;
    return scenario.end(life);
  });
  // A daemon that dies while it reads the past events never finishes the read. Any other life
  // stops by itself, because nothing happens any more.
  await Promise.race([first, mortal.died]).catch(() => undefined);
  if (!mortal.isDead()) {
    await first;
    return undefined;
  }
  const stuck = sleep(5);
  await Promise.race([first.catch(() => undefined), ...(reading() ? [stuck] : [])]);
  Reflect.deleteProperty(clock, "advanceToNext");
  const ok = recordedOk(life);
  const begunBefore = life.nodes.started.length;
  life.world = world;
  await life.restart();
  if (!life.job.has("alloc")) life.job.alloc();
  await scenario.end(life);
  return { life, ok, last: mortal.last, again: life.nodes.started.slice(begunBefore) };
}

/** Lets the job run, unless something ends it before, and then end. */
async function finish(life: Life): Promise<void> {
  await life.until(() => isDone(life) || life.job.has("start") || life.job.has("exception"));
  if (life.job.has("start") && !life.job.isOver) life.job.finish();
  await life.untilClean();
}

/** Lets the job end as `finish` does, but its shell first waits for the teardown. */
async function finishLast(life: Life): Promise<void> {
  const { job } = life;
  const isAsked = (event: JobEvent) => isDeepStrictEqual(event.context, TASKS_DONE);
  await life.until(() => isDone(life) || job.has("start") || job.has("exception"));
  if (job.has("start") && !job.isOver && !job.eventlog.some(isAsked)) job.tasksDone();
  await life.until(() => job.isOver || isDone(life) || life.record.at(-1) === "down, left []");
  await finish(life);
}

async function cancel(life: Life): Promise<void> {
  if (!life.job.has("exception")) {
    await life.until(() => life.record.some((line) => line.startsWith("ok up")));
    life.job.exception("cancel", 0);
  }
  await life.untilClean();
}

async function release(life: Life): Promise<void> {
  if (!life.job.has("start")) {
    await life.until(() => hasSettled(life) || life.job.isOver);
    if (!life.job.isOver) life.job.post("memo", { usernetes: { release: "true" } });
  }
  await finish(life);
}

async function cancelHeld(life: Life): Promise<void> {
  await life.until(() => hasSettled(life));
  if (!life.job.isOver) life.job.exception("cancel", 0);
  await life.untilClean();
}

const DEBUG = { options: { user: { usernetes: "yes", usernetes_debug: "yes" } }, kept: "0,1,2" };
const RETRIES: Play = (step, rank, attempt) =>
  step === "up" && rank === 1 && attempt === 1 ? { exit: 4 } : undefined;
const FAILS: Play = (step) => (step === "kubeadm-init" ? { exit: 4 } : undefined);

const SCENARIOS: Record<string, Scenario> = {
  "a job that runs and ends": { end: finish, settles: "settle ready", raises: [] },
  "a job that ends after its cluster is removed": {
    ...{ end: finishLast, settles: "settle ready", raises: [] },
  },
  "a job that is canceled while its cluster comes up": { end: cancel, raises: ["cancel"] },
  "a job with a step that is tried again": {
    ...{ play: RETRIES, end: finish, settles: "settle ready", raises: [] },
  },
  "a job whose cluster does not come up": {
    ...{ play: FAILS, end: finish, settles: "settle failed", raises: ["usernetes"] },
  },
  "a job that is held for debugging and released": {
    ...{ ...DEBUG, end: release, settles: "settle ready", raises: [] },
  },
  "a job that is canceled while it is held": {
    ...{ ...DEBUG, end: cancelHeld, settles: "settle ready", raises: ["cancel"] },
  },
};

/** Checks what must be true at the end of every life. */
function isRight(t: Test, life: Life, { settles, kept = "", raises }: Scenario, where: string) {
  // A job that was canceled before its cluster was claimed has none.
  const canceled = raises.includes("cancel");
  if (!canceled || life.record.length > 0) {
    const settled = life.record.filter((line) => line.startsWith("settle"));
    t.equal(settled.length, 1, `${where}: settled once`);
    if (settles !== undefined) t.match(settled[0], settles, where);
  }
  const down = life.record.filter((line) => line.startsWith("down"));
  if (life.record.length > 0) {
    t.equal(life.record.at(-1), down[0], where);
    t.ok(down[0] === "down, left []" || (kept !== "" && down[0] === `down, left [${kept}]`), where);
  }
  const fatal = life.job.eventlog
    .filter(({ name, context }) => name === "exception" && context?.["severity"] === 0)
    .map(({ context }) => context?.["type"]);
  t.strictSame(fatal, raises, `${where}: what was raised`);
  for (const log of ["prolog", "epilog"])
    t.equal(count(life, `${log}-finish`), count(life, `${log}-start`), `${where}: ${log}`);
  if (kept === "") t.equal(life.world.open.all().length, 0, `${where}: its entry is closed`);
  t.strictSame(life.archives, [], `${where}: no archive is left`);
}

/** Kills the daemon at every effect, one life each. Returns the number of deaths. */
async function walk(t: Test, scenario: Scenario, happens?: (life: Life) => void): Promise<number> {
  let deaths = 0;
  for (let at = 1; at < 500; at++) {
    let over = 0;
    for (const done of [false, true]) {
      const lived = await liveAndDie(scenario, { at, done }, happens);
      if (!lived) {
        over++;
        continue;
      }
      deaths++;
      const { life, ok, last, again } = lived;
      const where = `${last}, ${done ? "done" : "not done"} (effect ${at})`;
      isRight(t, life, happens ? orCanceled(scenario, life) : scenario, where);
      if (happens) isCanceled(t, life, where);
      t.strictSame(
        again.filter((step) => ok.has(step) && !step.startsWith("join-command")),
        [],
        `${where}: what was recorded is not done again`,
      );
    }
    if (over === 2) break;
  }
  return deaths;
}

for (const [name, scenario] of Object.entries(SCENARIOS))
  t.test(`the life of ${name} survives kill -9 at every effect`, async (t) => {
    const deaths = await walk(t, scenario);
    t.ok(deaths > 20, `${deaths} deaths`);
  });

/**
 * Runs a life whose job is canceled at one effect of the daemon. Returns undefined if the life was
 * over before this effect.
 */
async function liveAndCancel(scenario: Scenario, at: number) {
  const life = newLife(scenario);
  const mortal = new MortalWorld(
    {
      ...{ at, done: true, survives: true },
      happens: () => {
        cancelNow(life);
      },
    },
    () => undefined,
  );
  life.world = mortal.wrap(life.world);
  life.reconciler.leave();
  life.reconciler = life.newReconciler();
  await life.alloc();
  await scenario.end(life);
  return mortal.last === "" ? undefined : { life, last: mortal.last };
}

/** Cancels the job unless it is over already. */
function cancelNow({ job }: Life): void {
  if (!job.isOver && !job.has("clean")) job.exception("cancel", 0);
}

/** The expected result after a cancel. A cancel that came too late changes nothing. */
function orCanceled(scenario: Scenario, life: Life): Scenario {
  const type = life.job.last("exception")?.context?.["type"];
  return type === "cancel" ? { ...scenario, settles: undefined, raises: ["cancel"] } : scenario;
}

/**
 * Checks that a canceled job did not settle as failed. If it settled as canceled, it must not have
 * started.
 */
function isCanceled(t: Test, life: Life, where: string) {
  const settled = life.record.find((line) => line.startsWith("settle"));
  if (life.job.last("exception")?.context?.["type"] !== "cancel" || settled === undefined) return;
  t.notMatch(settled, "failed", where);
  t.notOk(settled === "settle canceled" && life.job.has("start"), `${where}: ${settled}`);
}

for (const [name, scenario] of Object.entries(SCENARIOS)) {
  // If the cluster fails at the same moment, both the failure and the cancel raise an exception.
  // These tests therefore use only scenarios whose cluster becomes ready.
  if (scenario.settles !== "settle ready" || scenario.end === cancelHeld) continue;
  t.test(`the life of ${name} survives a cancel at every effect`, async (t) => {
    let cancels = 0;
    for (let at = 1; at < 500; at++) {
      const lived = await liveAndCancel(scenario, at);
      if (!lived) break;
      cancels++;
      const where = `cancel at ${lived.last} (effect ${at})`;
      isRight(t, lived.life, orCanceled(scenario, lived.life), where);
      isCanceled(t, lived.life, where);
    }
    t.ok(cancels > 15, `${cancels} cancels`);
  });

  t.test(`the life of ${name} survives a cancel and kill -9 at every effect`, async (t) => {
    const deaths = await walk(t, scenario, cancelNow);
    t.ok(deaths > 20, `${deaths} deaths`);
  });
}
