/** The progress of `up` and `down` on a terminal. */
import t from "tap";
import { describe, followSteps, type Line } from "../../lib/view/live-steps.js";

const line = (ranks: [number, "runs" | "ok" | "failed"][], seconds = 0): Line => ({
  ranks: new Map(ranks),
  seconds,
});

/** A stream that collects what is written. With `isTTY` it is a terminal. */
function screen(isTTY: boolean) {
  const written: string[] = [];
  return { written, isTTY, columns: 40, write: (text: string) => written.push(text) };
}

t.test("a step is one line with the states of its ranks", (t) => {
  const words = (of: Line) => describe("up", of).trim().split(/ {2,}/);
  t.strictSame(words(line([[0, "runs"]])), ["up", "0 of 1, 1 runs"]);
  t.strictSame(
    words(
      line(
        [
          [0, "ok"],
          [1, "runs"],
          [2, "runs"],
          [3, "failed"],
        ],
        2.04,
      ),
    ),
    ["up", "1 of 4, 1 failed, 2 run", "2.0 s"],
  );
  t.end();
});

t.test("a pipe or a dumb terminal gets the log's lines without escape sequences", (t) => {
  for (const [plain, TERM] of [
    [screen(false), "xterm"],
    [screen(true), "dumb"],
    [screen(true), undefined],
  ] as const) {
    const follower = followSteps(plain, { TERM });
    follower.say("trace", "up: begins", { step: "up", ranks: [0], status: "begins" });
    follower.say("info", "up: ok", { step: "up", ranks: [0], status: "ok", seconds: 1 });
    follower.note("done");
    follower.end();
    t.strictSame(plain.written, ["up: ok\n", "done\n"]);
  }
  t.end();
});

t.test("a terminal is redrawn with lines cut to its width, and a retry counts once", (t) => {
  const terminal = screen(true);
  const follower = followSteps(terminal, { TERM: "xterm" });
  const say = (status: string) => {
    follower.say("info", "x", { step: "up", ranks: [0], status, seconds: 1 });
  };
  say("begins");
  say("failed");
  say("begins");
  say("ok");
  const last = terminal.written.at(-1) ?? "";
  t.match(last, /^up +1 of 1 /);
  t.ok(last.length <= 40, last);
  terminal.columns = 0;
  say("ok");
  t.match(terminal.written.at(-1), / 1\.0 s\n$/, "a width that is not known cuts nothing");
  t.equal(terminal.written.filter((text) => text === "\u001b[1A\u001b[0J").length, 4);
  follower.say("warn", "drain: no");
  t.ok(terminal.written.includes("drain: no\n"));
  t.end();
});
