/** Tests the table and the JSON of `npm run bench`. */
import t from "tap";
import { json, number, table } from "./table.js";

const ROWS = [
  { name: "fast", unit: "s", values: [1, 2, 3], against: "a", target: { most: 2 } },
  { name: "slow", unit: "s", values: [9], against: "b", target: { most: 2 } },
  { name: "free", unit: "", values: [4], against: "c" },
];

t.test("numbers have three significant digits", (t) => {
  t.strictSame([0.01234, 1.234, 12.34, 123.4, 2].map(number), [
    "0.012",
    "1.23",
    "12.3",
    "123",
    "2",
  ]);
  t.end();
});

t.test("a row has its median, spread and target, and whether the target is met", (t) => {
  const [, , fast, slow, free] = table(ROWS).split("\n");
  t.match(fast, /fast +│ 2 s +│ 1 - 3 +│ 3 +│ <= 2 +│ met +│ a/);
  t.match(slow, /slow .*<= 2 +│ MISSED +│ b/);
  t.match(free, /free +│ 4 +│ 4 - 4 +│ 1 +│ +│ +│ c/);
  t.end();
});

t.test("the JSON has the values and the notes about them", (t) => {
  const setting = { flux: "f", node: "n", cores: 2, commit: "c", date: "d" };
  const { rows, ...rest } = JSON.parse(json(ROWS, setting)) as { rows: unknown[] };
  t.strictSame(rest, { setting });
  t.match(rows[0], { name: "fast", values: [1, 2, 3], median: 2, low: 1, high: 3, met: true });
  t.end();
});
