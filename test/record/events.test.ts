/** The events of a record: parsing, and elapsed seconds. */
import t from "tap";
import { elapsed, formatEvent, parseEventlog, type RecordEvent } from "../../lib/record/events.js";

const EVENTS: RecordEvent[] = [
  {
    timestamp: 1.25,
    name: "step-start",
    context: { step: "stage", ranks: "0-2", attempt: 1 },
  },
  { timestamp: 2, name: "settle", context: { outcome: "failed", note: 'a "quoted"\nline' } },
  { timestamp: 3, name: "down", context: { left: [] } },
];

t.test("an event is one line of an eventlog", (t) => {
  t.equal(
    EVENTS.map(formatEvent).join(""),
    '{"timestamp":1.25,"name":"step-start","context":{"step":"stage","ranks":"0-2","attempt":1}}\n' +
      '{"timestamp":2,"name":"settle","context":{"outcome":"failed","note":"a \\"quoted\\"\\nline"}}\n' +
      '{"timestamp":3,"name":"down","context":{"left":[]}}\n',
  );
  t.end();
});

t.test("written events are read back", (t) => {
  t.strictSame(parseEventlog(EVENTS.map(formatEvent).join("")), EVENTS);
  t.strictSame(parseEventlog(""), []);
  t.end();
});

t.test("a line that is not an event hides no other", (t) => {
  const [first, second] = EVENTS.map(formatEvent);
  const bad = ["{", "null", "[]", "3", '{"name":"x"}', '{"timestamp":"1","name":"x"}', ""];
  t.strictSame(
    parseEventlog(`${first ?? ""}${bad.join("\n")}\n${second ?? ""}{"timestamp":9,"na`),
    EVENTS.slice(0, 2),
  );
  t.end();
});

t.test("seconds are recorded to the millisecond", (t) => {
  t.equal(elapsed(1.1, 3.3), 2.2);
  t.equal(elapsed(1700000000.1234, 1700000001.9876), 1.864);
  t.end();
});
