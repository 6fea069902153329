/** The last lines of each try, bounded for all ranks together. */
import t from "tap";
import { formatTail, parseTails, TEXT_MAX, type Tail } from "../../lib/record/step-tails.js";

const tail = (part: Partial<Tail> = {}): Tail => ({
  attempt: 1,
  status: "ok",
  ranks: "0-1",
  note: "",
  lines: new Map([
    [0, ["a", "b"]],
    [1, ["a"]],
  ]),
  ...part,
});

const size = (text: string) => Buffer.byteLength(text);

t.test("a try has a heading, and its lines have their ranks", (t) => {
  t.equal(formatTail(tail(), TEXT_MAX), "==> try 1: ok on 0-1 <==\n0-1: a\n0: b\n");
  const failed = tail({ attempt: 3, status: "failed", ranks: "1", note: "exit 2: <== no" });
  t.match(formatTail(failed, TEXT_MAX), /^==> try 3: failed on 1: exit 2: <== no <==\n/);
  t.end();
});

t.test("a silent success saves no text, and a lost step does", (t) => {
  const lines = new Map<number, string[]>();
  t.equal(formatTail(tail({ lines }), TEXT_MAX), "");
  const lost = formatTail(tail({ lines, status: "lost", note: "No route to host" }), TEXT_MAX);
  t.equal(lost, "==> try 1: lost on 0-1: No route to host <==\n");
  t.end();
});

t.test("the output of many ranks is cut, with a note of how much", (t) => {
  const lines = new Map(
    Array.from({ length: 256 }, (_, rank) => [
      rank,
      ["the same", ...Array.from({ length: 11 }, (_, n) => `${"x".repeat(300)} ${n} ${rank}`)],
    ]),
  );
  for (const room of [TEXT_MAX, 32 << 10, 1000]) {
    const text = formatTail(tail({ ranks: "0-255", lines }), room);
    t.ok(size(text) <= room, `${size(text)} bytes of ${room}`);
    t.ok(size(text) > room / 3);
    t.match(text, "\n0-255: the same\n");
    const all = text.split("\n").filter((line) => /^[0-9]+: x/.test(line)).length;
    t.match(text, new RegExp(`\n\\(cut: ${256 * 11 - all} lines of ranks [0-9,-]+\\)\n$`));
  }
  t.equal(formatTail(tail(), 100), "", "no room");
  t.end();
});

t.test("ranks with gaps are not listed one by one in a heading", (t) => {
  const odd = Array.from({ length: 4096 }, (_, n) => 2 * n + 1);
  const lines = new Map(odd.map((rank) => [rank, [`of ${rank}${"y".repeat(60)}`]]));
  const text = formatTail(tail({ ranks: odd.join(), lines }), 8192);
  t.match(text, /^==> try 1: ok on 4096 ranks <==\n/);
  t.match(text, /\(cut: [0-9]+ lines of ranks [0-9]+ ranks\)\n$/);
  t.ok(size(text) <= 8192);
  t.end();
});

t.test("saved text is read back as it was written", (t) => {
  const lines = new Map([
    [3, ["==> try 9: ok on 3 <==", "(cut: 1 lines of ranks 3)", "", "  ƒ: x"]],
  ]);
  const failed = tail({ attempt: 2, status: "failed", note: "exit 2: no", ranks: "3", lines });
  const text = formatTail(tail(), TEXT_MAX) + formatTail(failed, TEXT_MAX);
  t.strictSame(parseTails(`${text}\nrubbish\n`), [
    {
      ...{ attempt: 1, status: "ok", note: "", ranks: [0, 1], cut: "" },
      lines: [
        { ranks: [0, 1], text: "a" },
        { ranks: [0], text: "b" },
      ],
    },
    {
      ...{ attempt: 2, status: "failed", note: "exit 2: no", ranks: [3], cut: "" },
      lines: [...(lines.get(3) ?? [])].map((text) => ({ ranks: [3], text })),
    },
  ]);
  t.strictSame(parseTails("0: no heading\n"), []);
  t.match(parseTails("==> try 1: ok on 3-1 <==\n3-1: x\n"), [{ ranks: [], cut: "" }], "no ranks");
  t.end();
});
