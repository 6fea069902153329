/** Flux standard durations (RFC 23). */
import { fc } from "../random.js";
import t from "tap";
import { formatFsd, parseFsd } from "../../lib/flux/fsd.js";

t.test("durations are read in each unit of RFC 23", (t) => {
  t.equal(parseFsd("90"), 90_000);
  t.equal(parseFsd("90s"), 90_000);
  t.equal(parseFsd("1.5m"), 90_000);
  t.equal(parseFsd(".5h"), 1_800_000);
  t.equal(parseFsd("1d"), 86_400_000);
  t.equal(parseFsd("500ms"), 500);
  t.equal(parseFsd(" 0 "), 0);
  t.end();
});

t.test("an invalid or infinite duration is recognized", (t) => {
  for (const text of ["", "s", "5 s", "-5s", "5w", "1e3", "infinity", "inf", "5.", "1h30m", "0x10"])
    t.equal(parseFsd(text), undefined, text);
  t.end();
});

t.test("a duration is written as a person would write it", (t) => {
  t.equal(formatFsd(900_000), "15m");
  t.equal(formatFsd(90_000), "90s");
  t.equal(formatFsd(1_500), "1.5s");
  t.equal(formatFsd(7_200_000), "2h");
  t.equal(formatFsd(172_800_000), "2d");
  t.equal(formatFsd(250), "250ms");
  t.equal(formatFsd(0), "0ms");
  t.end();
});

t.test("a duration of whole tenths of a second is read back as it was written", (t) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 10, max: 10_000_000 }),
      (tenths) => Math.round(parseFsd(formatFsd(tenths * 100)) ?? NaN) === tenths * 100,
    ),
  );
  t.end();
});
