/** The saved last lines of steps, when the nodes' logs are gone. */
import t from "tap";
import { parseTails } from "../../lib/record/step-tails.js";
import { unknown } from "../../lib/view/follow-logs.js";
import { joined } from "../../lib/view/saved-logs.js";

const join = (...lines: string[]) =>
  joined("up", parseTails(lines.map((line) => `${line}\n`).join(""))).map((log) => ({
    try: `${log.attempt} ${log.status}`,
    lines: Object.fromEntries(log.lines),
    cut: log.cut,
  }));

t.test("ranks that ended a try the same way are one group, whenever that was written", (t) => {
  t.strictSame(
    join("==> try 1: ok on 0 <==", "0: a", "==> try 1: ok on 1-2 <==", "1-2: a", "2: b"),
    [{ try: "1 ok", lines: { 0: ["a"], 1: ["a"], 2: ["a", "b"] }, cut: "" }],
  );
  t.end();
});

t.test("a repeated write appears once, and a repeated try twice", (t) => {
  const once = ["==> try 1: failed on 0: no <==", "0: a", "(cut: 3 lines of ranks 0)"];
  t.strictSame(join(...once, ...once), [
    { try: "1 failed", lines: { 0: ["a"] }, cut: "(cut: 3 lines of ranks 0)" },
  ]);
  const lost = "==> try 1: lost on 3: No route to host <==";
  t.strictSame(join(lost, lost), [{ try: "1 lost", lines: { 3: [] }, cut: "" }]);
  t.strictSame(
    join("==> try 1: ok on 0 <==", "0: a", "==> try 1: ok on 0-1 <==", "0-1: b").map(
      ({ lines }) => lines,
    ),
    [{ 0: ["a"], 1: ["b"] }, { 0: ["b"] }],
  );
  t.end();
});

t.test("no other program's output controls the terminal, or reveals secrets", (t) => {
  const [log] = join("==> try 1: ok on 0 <==", "0:   \u001b[31mred abcdef.0123456789abcdef");
  t.strictSame(log?.lines, { 0: ["  red [token]"] });
  t.end();
});

t.test("followed output is not printed again", (t) => {
  t.strictSame(unknown(["a", "b"], []), ["a", "b"]);
  t.strictSame(unknown(["a", "b", "c"], ["x", "a", "b"]), ["c"]);
  t.strictSame(unknown(["a", "b"], ["a", "b"]), []);
  t.strictSame(unknown(["a", "b"], ["a", "b", "of a later try"]), []);
  t.strictSame(unknown(["c", "d"], ["a", "b"]), ["c", "d"]);
  t.strictSame(unknown([], ["a"]), []);
  t.strictSame(unknown(["a", "", "b"], []), ["a", "", "b"], "an empty line is a line");
  t.end();
});
