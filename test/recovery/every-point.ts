/**
 * Walks through the points of a scenario's life: one life for each, struck there.
 *
 * USERNETES_WALK=all takes every point instead of every n-th from a random one;
 * USERNETES_WALK=12 or 12,5 takes that one, and strikes the next daemon at its 5th.
 */
import type { Tap } from "../life/life.js";
import type { LifeFlux } from "../life/flux.js";
import type { Strike } from "./at-point.js";
import { faults, live, type Lived, type Scenario, type Strikes } from "./lived.js";

export interface Walk {
  strike: Strike;
  /** Every how manieth point is taken. */
  stride: number;
  /** The next daemon dies too, at a random point. */
  again?: boolean;
  /** The part of the points at which there is something to strike, at the least. */
  least?: number;
}

const asked = process.env["USERNETES_WALK"] ?? "";

/** From 1 to `most`. */
const random = (most: number): number => 1 + Math.floor(Math.random() * most);

export async function everyPoint(
  t: Tap,
  flux: LifeFlux,
  scenario: Scenario,
  { strike, stride, again = false, least = 0.6 }: Walk,
): Promise<void> {
  const wrong = (lived: Lived) => [...faults(lived), ...(scenario.faults?.(lived) ?? [])];
  const whole = await live(flux, scenario);
  t.same(wrong(whole), [], `a life that nothing strikes, of ${whole.points.length} points`);
  const step = asked === "all" ? 1 : stride;
  const [only, next] = asked.split(",").map(Number);
  let struck = 0;
  for (let at = only || random(step); ; at += step) {
    const second = next ?? (again ? random(whole.points.length - at + 1) : 0);
    const strikes: Strikes = [{ at, strike }];
    if (second > 0) strikes.push({ at: second, strike: "die" });
    const lived = await live(flux, scenario, strikes);
    if (lived.struck === undefined) break;
    struck += lived.struck;
    const where = `${JSON.stringify(strike)} at ${at}${second > 0 ? `,${second}` : ""}`;
    t.same(wrong(lived), [], `${where}: ${lived.points[at - 1] ?? ""}`);
    if (only) return;
  }
  const expected = Math.floor((whole.points.length / step) * least);
  t.ok(struck >= expected, `struck ${struck} times, of at least ${expected}`);
}
