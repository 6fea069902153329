/** Lines that several ranks have printed are merged. */
import { fc } from "../random.js";
import t from "tap";
import { encodeIdset } from "../../lib/flux/idset.js";
import { foldLines } from "../../lib/record/fold-lines.js";

const fold = (...of: string[][]) =>
  foldLines(of.map((lines, rank) => [rank, lines] as const)).map(
    ({ ranks, text }) => `${encodeIdset(ranks)}: ${text}`,
  );

t.test("lines of all ranks appear once, and those of one rank with its rank", (t) => {
  t.strictSame(fold(["a", "b"], ["a", "b"], ["a", "b"]), ["0-2: a", "0-2: b"]);
  t.strictSame(fold(["a", "on n0", "b"], ["a", "on n1", "b"], ["a", "b"]), [
    "0-2: a",
    "0: on n0",
    "1: on n1",
    "0-2: b",
  ]);
  t.strictSame(fold(["a"], ["x", "a", "y"], ["a", "y"]), ["1: x", "0-2: a", "1-2: y"]);
  t.strictSame(fold(["a", "a"], ["a"]), ["0-1: a", "0: a"]);
  t.strictSame(fold([], ["a"], []), ["1: a"]);
  t.strictSame(fold(), []);
  t.end();
});

t.test("an empty line does not skip what comes before the next one", (t) => {
  t.strictSame(fold(["a", "b", ""], ["", "a", "b", ""]), ["1: ", "0-1: a", "0-1: b", "0-1: "]);
  t.end();
});

t.test("all of a rank's lines appear in their order", (t) => {
  const lines = fc.array(fc.constantFrom("", "a", "b", "c", "d"), { maxLength: 12 });
  fc.assert(
    fc.property(fc.array(lines, { maxLength: 6 }), (of) => {
      const folded = foldLines(of.map((each, rank) => [rank, each] as const));
      return of.every(
        (each, rank) =>
          each.join() ===
          folded
            .filter(({ ranks }) => ranks.includes(rank))
            .map(({ text }) => text)
            .join(),
      );
    }),
  );
  t.end();
});

t.test("thousands of ranks may all print different lines", (t) => {
  const of = Array.from({ length: 4096 }, (_, rank) =>
    Array.from({ length: 12 }, (_, n) => (n % 2 ? `line ${n}` : `line ${n} of ${rank}`)),
  );
  t.equal(fold(...of).length, 4096 * 6 + 6);
  t.end();
});
