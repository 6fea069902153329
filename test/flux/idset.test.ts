/** Idsets (RFC 22). */
import { fc } from "../random.js";
import t from "tap";
import { decodeIdset, encodeIdset } from "../../lib/flux/idset.js";

t.test("an idset is written with the longest ranges", (t) => {
  t.equal(encodeIdset([7, 0, 1, 2, 3]), "0-3,7");
  t.equal(encodeIdset([5, 3, 3]), "3,5");
  t.equal(encodeIdset([1, 2]), "1-2");
  t.equal(encodeIdset([]), "");
  t.end();
});

t.test("an idset is read in any order, with or without brackets", (t) => {
  t.strictSame(decodeIdset("7,0-3"), [0, 1, 2, 3, 7]);
  t.strictSame(decodeIdset("[2,9-10]"), [2, 9, 10]);
  t.strictSame(decodeIdset("1-3,2-4"), [1, 2, 3, 4]);
  t.strictSame(decodeIdset(""), []);
  t.strictSame(decodeIdset("[]"), []);
  t.end();
});

t.test("malformed text is refused with the correct form", (t) => {
  t.throws(() => decodeIdset("a"), new RangeError('"a" is not an idset: write it like 0-3,7'));
  t.throws(() => decodeIdset("5-2"), new RangeError('"5-2" is not an idset: 5-2 runs backwards'));
  for (const text of ["1-", "-1", "1,,2", "1 2", "1-2-3", "[1", "all", "0-99999999999"])
    t.throws(() => decodeIdset(text), RangeError, text);
  t.end();
});

t.test("every set is read back unchanged", (t) => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(5000)), (ids) => {
      const sorted = ids.toSorted((a, b) => a - b);
      return JSON.stringify(decodeIdset(encodeIdset(ids))) === JSON.stringify(sorted);
    }),
  );
  t.end();
});
