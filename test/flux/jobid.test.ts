/** Job IDs in all of Flux's forms (RFC 19). */
import { fc } from "../random.js";
import t from "tap";
import { dothex, f58, kvsDirectory, parseJobid } from "../../lib/flux/jobid.js";

const JOBID = 179836689580032n;
const jobids = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });

t.test("a job ID has the spellings of RFC 19", (t) => {
  t.equal(f58(JOBID), "ƒ2QT1HSJy5");
  t.equal(dothex(JOBID), "0000.a38f.7e00.0000");
  t.equal(kvsDirectory(JOBID), "job.0000.a38f.7e00.0000");
  t.end();
});

t.test("the least and the greatest job ID have all spellings", (t) => {
  t.equal(f58(0n), "ƒ1");
  t.equal(f58((1n << 64n) - 1n), "ƒjpXCZedGfVQ");
  t.equal(dothex((1n << 64n) - 1n), "ffff.ffff.ffff.ffff");
  t.end();
});

t.test("each spelling that a person types is understood", (t) => {
  for (const text of [
    "ƒ2QT1HSJy5",
    "f2QT1HSJy5",
    "179836689580032",
    "0xa38f7e000000",
    "0XA38F7E000000",
    "0000.a38f.7e00.0000",
    "job.0000.a38f.7e00.0000",
    "  ƒ2QT1HSJy5\n",
  ])
    t.equal(parseJobid(text), JOBID, text);
  t.end();
});

t.test("an invalid job ID is recognized", (t) => {
  for (const text of [
    ...["", "ƒ", "2QT1HSJy5", "ƒ0", "ƒl", "ƒI", "ƒO", "-1", "1.5", "0x", "12 34", "job.1"],
    ...["0000.0179.8366", "academy-java-ego--eva-andy-kinetic", "ƒ2QT1HSJy5ƒ"],
    "18446744073709551616",
    "0x10000000000000000",
    "ƒzzzzzzzzzzz",
  ])
    t.equal(parseJobid(text), undefined, text);
  t.end();
});

t.test("every job ID is read back from each of its spellings", (t) => {
  fc.assert(
    fc.property(jobids, (jobid) =>
      [
        f58(jobid),
        dothex(jobid),
        kvsDirectory(jobid),
        String(jobid),
        `0x${jobid.toString(16)}`,
      ].every((text) => parseJobid(text) === jobid),
    ),
  );
  t.end();
});

t.test("two job IDs never share an F58", (t) => {
  fc.assert(fc.property(jobids, jobids, (a, b) => (a === b) === (f58(a) === f58(b))));
  t.end();
});
