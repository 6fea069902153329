/**
 * Walks through the points of a scenario's life: runs one life for each point, and strikes there.
 *
 * By default, the walk takes every n-th point from a random start. USERNETES_WALK=all takes every
 * point, and USERNETES_WALK=12 takes only point 12. USERNETES_WALK=12,5 also kills the next daemon
 * at its point 5.
 */
import type { LifeFlux } from "../life/flux.js";
import type { Tap } from "../life/life.js";
import { random } from "../random.js";
import type { Strike } from "./at-point.js";
import { faults, live, type Lived, type Scenario, type Strikes } from "./lived.js";

export interface Walk {
  strike: Strike;
  /** Strike every n-th point. */
  stride: number;
  /** Whether the next daemon is killed too, at a random point. */
  again?: boolean;
  /** The minimum of strikes per life. A strike on children finds none at some points. */
  least?: number;
}

const asked = process.env["USERNETES_WALK"] ?? "";
/** After this time, which a busy machine exceeds, a test file skips the remaining points. */
const PATIENCE_MS = 60_000;
const started = new WeakMap<LifeFlux, number>();

/** A random integer from 1 to `most`. */
const upTo = (most: number): number => 1 + Math.floor(random() * most);

export async function everyPoint(
  t: Tap,
  flux: LifeFlux,
  scenario: Scenario,
  { strike, stride, again = false, least = 0.6 }: Walk,
): Promise<void> {
  if (!started.has(flux)) started.set(flux, Date.now());
  const wrong = (lived: Lived) => [...faults(lived), ...(scenario.faults?.(lived) ?? [])];
  const whole = await live(flux, scenario);
  const many = whole.points.length;
  t.same(wrong(whole), [], `a life that nothing strikes, of ${many} points`);
  let lives = 0;
  let struck = 0;
  for (const at of pointsOf(many, stride)) {
    const second = Number(asked.split(",")[1] ?? (again ? upTo(many - at + 1) : 0));
    const strikes: Strikes = [{ at, strike }];
    if (second > 0) strikes.push({ at: second, strike: "die" });
    const lived = await live(flux, scenario, strikes);
    lives++;
    struck += lived.struck ?? 0;
    const where = `${JSON.stringify(strike)} at ${at}${second > 0 ? `,${second}` : ""}`;
    t.same(wrong(lived), [], `${where}: ${lived.points[at - 1] ?? "it had no such point"}`);
    if (asked === "" && Date.now() - (started.get(flux) ?? 0) > PATIENCE_MS) break;
  }
  if (lives > 2)
    t.ok(struck >= Math.floor(lives * least), `struck ${struck} times in ${lives} lives`);
}

/**
 * The points to strike at, in random order: if the time limit cuts the walk short, the points
 * before it still come from the whole life.
 */
function pointsOf(many: number, stride: number): number[] {
  const only = Number(asked.split(",")[0]);
  if (only > 0) return [only];
  const step = asked === "all" ? 1 : stride;
  const points: number[] = [];
  for (let at = upTo(step); at <= many; at += step) points.push(at);
  return points
    .map((at) => ({ at, order: random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ at }) => at);
}
