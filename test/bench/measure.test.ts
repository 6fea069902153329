/** Tests the medians and spreads of repeated measurements (test/bench/measure.ts). */
import t from "tap";
import { isMet, repeat, spread, type Row } from "./measure.js";

const row = (values: number[], target?: Row["target"]): Row => ({
  name: "x",
  unit: "s",
  values,
  against: "y",
  ...(target ? { target } : {}),
});

t.test("spread gives the median, the least and the greatest of values in any order", (t) => {
  t.strictSame(spread([3, 10, 1]), { median: 3, low: 1, high: 10 });
  t.strictSame(spread([4, 1, 2, 3]), { median: 2.5, low: 1, high: 4 }, "between the middle two");
  t.strictSame(spread([7]), { median: 7, low: 7, high: 7 });
  t.ok(Number.isNaN(spread([]).median), "no values have no median");
  t.end();
});

t.test("spread leaves the values in their order", (t) => {
  const values = [2, 1];
  spread(values);
  t.strictSame(values, [2, 1]);
  t.end();
});

t.test("a target is met by the median, or by every value where it applies always", (t) => {
  t.equal(isMet(row([1, 2, 99], { most: 2 })), true);
  t.equal(isMet(row([1, 2.1, 2.2], { most: 2 })), false);
  t.equal(isMet(row([0, 2, 3], { least: 2 })), true);
  t.equal(isMet(row([0, 1.9, 3], { least: 2 })), false);
  t.equal(isMet(row([1, 2, 2], { least: 2, always: true })), false, "or by each of them");
  t.equal(isMet(row([2, 2, 2], { least: 2, always: true })), true);
  t.equal(isMet(row([1])), undefined, "where nothing is aimed at");
  t.equal(isMet(row([], { most: 2 })), false, "what could not be measured meets nothing");
  t.equal(isMet(row([], { least: 2 })), false);
  t.end();
});

t.test("repeat takes one round after the other and keeps their order", async (t) => {
  let under = 0;
  const rounds = await repeat(3, async (round) => {
    t.equal(++under, 1);
    await new Promise((resolve) => setImmediate(resolve));
    under--;
    return round;
  });
  t.strictSame(rounds, [0, 1, 2]);
});
