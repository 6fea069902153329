/**
 * kill -9 at every effect of a life, before and after it took place, by counting:
 * a step that is added to the plan is covered without a new test.
 */
import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import { decodeIdset } from "../../lib/flux/idset.js";
import { Life } from "../fakes/life.js";
import { MortalWorld, type Death } from "../fakes/mortal-world.js";

const count = (life: Life, name: string) =>
  life.job.eventlog.filter((event) => event.name === name).length;

/** The steps that the record calls ok, as the nodes name them: `step rank`. */
function recordedOk(life: Life): Set<string> {
  const ok = new Set<string>();
  for (const event of life.flux.record)
    if (event.name === "step-finish" && event.context.status === "ok")
      for (const rank of decodeIdset(event.context.ranks)) ok.add(`${event.context.step} ${rank}`);
  return ok;
}

/** Undefined if the life was over before that effect. */
async function liveAndDie(death: Death, end: (life: Life) => Promise<void>) {
  const life = new Life();
  const world = life.world;
  const { clock } = life;
  const mortal = new MortalWorld(death, () => {
    life.reconciler.leave();
    // No time passes until the next daemon is there.
    clock.advanceToNext = () => false;
  });
  life.world = mortal.wrap(world);
  life.reconciler.leave();
  life.reconciler = life.newReconciler();
  let allocated: Life | undefined;
  const reading = () => allocated === undefined;
  const first = life.alloc().then((same) => {
    allocated = same;
    return end(life);
  });
  // One that died while it read the past never gets further; another finds that nothing happens.
  await Promise.race([first, mortal.died]).catch(() => undefined);
  if (!mortal.isDead()) {
    await first;
    return undefined;
  }
  const stuck = sleep(5);
  await Promise.race([first.catch(() => undefined), ...(reading() ? [stuck] : [])]);
  Reflect.deleteProperty(clock, "advanceToNext");
  const ok = recordedOk(life);
  const begunBefore = life.nodes.begun.length;
  life.world = world;
  await life.restart();
  if (!life.job.has("alloc")) life.job.alloc();
  await end(life);
  return { life, ok, last: mortal.last, again: life.nodes.begun.slice(begunBefore) };
}

/** The job runs and ends; safe to be called again after a death. */
async function finish(life: Life): Promise<void> {
  if (!life.job.has("start")) await life.untilStarted();
  if (!life.job.has("finish")) life.job.finish();
  await life.untilClean();
}

async function cancel(life: Life): Promise<void> {
  if (!life.job.has("exception")) {
    await life.until(() => life.record.some((line) => line.startsWith("ok up")));
    life.job.exception("cancel", 0);
  }
  await life.untilClean();
}

for (const [name, end, outcome] of [
  ["a job that runs and ends", finish, "settle ready"],
  ["a job that is canceled while its cluster comes up", cancel, "settle canceled"],
] as const)
  t.test(`${name}, with kill -9 at every effect`, async (t) => {
    let deaths = 0;
    for (let at = 1; at < 500; at++) {
      let over = 0;
      for (const done of [false, true]) {
        const lived = await liveAndDie({ at, done }, end);
        if (!lived) {
          over++;
          continue;
        }
        deaths++;
        const { life, ok, last, again } = lived;
        const where = `${last}, ${done ? "done" : "not done"} (effect ${at})`;
        t.equal(life.record.at(-1), "down, left []", where);
        const settled = life.record.filter((line) => line.startsWith("settle"));
        t.equal(settled.length, 1, `${where}: settled once`);
        if (name.includes("runs")) t.equal(settled[0], outcome, where);
        for (const log of ["prolog", "epilog"])
          t.equal(count(life, `${log}-finish`), count(life, `${log}-start`), `${where}: ${log}`);
        t.strictSame(
          again.filter((step) => ok.has(step) && !step.startsWith("join-command")),
          [],
          `${where}: what was recorded is not done again`,
        );
        t.equal(life.world.open.all().length, 0, `${where}: its entry is closed`);
        t.strictSame(life.archives, [], `${where}: no archive is left`);
      }
      if (over === 2) break;
    }
    t.ok(deaths > 30, `${deaths} deaths`);
  });
