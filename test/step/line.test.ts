import t from "tap";
import type { Input, Outcome, RunOptions } from "../../lib/host/command.js";
import type { Call, StepEnd } from "../../lib/step/call.js";
import { Line } from "../../lib/step/line.js";
import { ended } from "../fakes/playing-run.js";
import { FakeClock } from "../fakes/fake-clock.js";

const ALL: Call = {
  steps: ["stage", "up", "join-command"],
  ranks: [0, 1],
  env: { PATH: "/bin" },
  limitS: 30,
};
const on = (ranks: number[], ...steps: Call["steps"]): Call => ({ ...ALL, ranks, steps });

function open(all: Call = ALL) {
  const clock = new FakeClock();
  const words: string[] = [];
  const lost = new Set<number>();
  const changes: (() => void)[] = [];
  const stop = new AbortController();
  let nonce = "";
  let argv: string[] = [];
  let options: RunOptions = {};
  let end: (outcome: Partial<Outcome>) => void = () => undefined;
  const input: Input = { write: (line) => words.push(line), end: () => words.push("(end)") };
  const line = new Line(
    (command, given = {}) => {
      ({ argv } = command);
      nonce = argv[argv.indexOf("usernetes") + 1] ?? "";
      options = given;
      given.onInput?.(input);
      return new Promise((resolve) => {
        end = (outcome) => {
          resolve(ended(outcome));
        };
        given.signal?.addEventListener("abort", () => {
          end({ exitCode: undefined });
        });
      });
    },
    all,
    {
      signal: stop.signal,
      isLost: (rank) => lost.has(rank),
      onChange: (callback) => {
        changes.push(callback);
        return () => undefined;
      },
      after: (ms, callback) => clock.after(ms, callback),
      untouched: false,
    },
  );
  return {
    line,
    words,
    clock,
    stop,
    argv,
    say: (rank: number, text: string) => options.onStderrLine?.(`${rank}: ${nonce} ${text}`),
    hear: (text: string) => options.onStderrLine?.(text),
    end: (outcome: Partial<Outcome> = {}) => {
      end(outcome);
    },
    isStopped: () => options.signal?.aborted ?? false,
    lose: (rank: number) => {
      lost.add(rank);
      for (const change of changes) change();
    },
    take: (call: Call) => {
      const ends: string[] = [];
      const onEnd = ({ step, rank, status, note, result, next }: StepEnd) => {
        const gives = result === undefined ? "" : ` gives ${result.trim()}`;
        const why = note && ` (${note})`;
        ends.push(`${step} ${rank} ${status}${why}${gives}${next ? ` > ${next}` : ""}`);
      };
      return { ends, result: line.take(call, onEnd) };
    },
  };
}

t.test("calls go over one flux exec, which has an input, as words", async (t) => {
  const { line, take, say, words, argv } = open();
  t.strictSame(argv.slice(0, 7), ["flux", "exec", "-r", "0-1", "-l", "-d", "/"]);
  const both = take(on([0, 1], "stage", "up"));
  say(0, "here");
  say(1, "here");
  say(0, "end stage 0");
  say(0, "end up 0");
  t.notOk(line.serves(on([1], "up")), "a rank does one thing at a time");
  t.ok(line.serves(on([0], "join-command")), "but does not wait for others");
  const lead = take(on([0], "join-command"));
  say(0, `result join-command ${Buffer.from("join!\n").toString("base64")}`);
  say(0, "end join-command 0");
  await lead.result;
  say(1, "end stage 0");
  say(1, "end up 3");
  await both.result;
  t.strictSame(both.ends, [
    "stage 0 ok > up",
    "up 0 ok",
    "stage 1 ok > up",
    "up 1 failed (exit 3)",
  ]);
  t.strictSame(lead.ends, ["join-command 0 ok gives join!"]);
  t.ok(line.serves(on([1], "up")), "one that failed is tried again over it");
  t.strictSame(words, ["0-1 stage up", "0 join-command"]);
});

t.test("the join-command is told to all, and a guest's workers fetch it no more", (t) => {
  const join: Call = { ...ALL, steps: ["fetch-join"] };
  for (const userid of [undefined, 500]) {
    const { line, words } = open({ ...join, userid });
    const serves = () => line.serves({ ...join, ranks: [1], userid });
    t.equal(serves(), userid === undefined, "only the instance owner may read the archive");
    t.notOk(line.hasJoin());
    line.give("join!\n");
    t.strictSame(words, [`give ${Buffer.from("join!\n").toString("base64")}`]);
    t.ok(serves());
    t.ok(line.hasJoin());
    line.close();
    t.notOk(line.hasJoin());
    line.give("late");
    t.strictSame(words.slice(1), ["(end)"]);
  }
  t.end();
});

t.test("it serves only what comes to the same", (t) => {
  const { line, words } = open();
  t.ok(line.serves(on([0], "up")));
  t.notOk(line.serves(on([0], "delete-token")), "a step that it has not");
  t.notOk(line.serves(on([0, 2], "up")), "a rank that it has not");
  t.notOk(line.serves({ ...on([0], "up"), env: { PATH: "/sbin" } }), "another setting");
  t.notOk(line.serves({ ...on([0], "up"), userid: 7 }), "another user");
  t.ok(line.has("up"));
  line.close();
  line.close();
  t.notOk(line.serves(on([0], "up")), "none when it is closed");
  t.notOk(line.has("up"));
  t.strictSame(words, ["(end)"]);
  t.end();
});

t.test("a rank is lost to it when its shell has gone, and the others are not", async (t) => {
  const { line, take, say } = open();
  const { ends, result } = take(on([0, 1], "up"));
  say(1, "gone");
  say(0, "end up 0");
  await result;
  t.strictSame(ends, ["up 1 lost (the step runner on this node exited unexpectedly)", "up 0 ok"]);
  t.notOk(line.serves(on([1], "up")));
  t.ok(line.serves(on([0], "up")));
});

t.test("so is one whose broker is lost, or that flux exec cannot reach", async (t) => {
  const { line, take, lose, hear } = open();
  const { ends, result } = take(on([0, 1], "up"));
  lose(1);
  hear("flux-exec: Error: rank 0: sh: No route to host");
  await result;
  t.strictSame(ends, ["up 1 lost (the node was lost)", "up 0 lost (No route to host)"]);
  t.notOk(line.serves(on([1], "up")));
  t.notOk(line.serves(on([0], "up")));
});

t.test("and one that does not answer for a minute", async (t) => {
  const { take, say, hear, clock } = open();
  const { ends, result } = take(on([0, 1], "up"));
  say(0, "here");
  hear("1: sh: 1: something is wrong");
  clock.advance(59_000);
  t.strictSame(ends, []);
  clock.advance(2_000);
  t.strictSame(ends, ["up 1 lost (1: sh: 1: something is wrong)"]);
  clock.advance(100_000);
  say(0, "end up 0");
  await result;
  t.equal(ends[1], "up 0 ok", "who answers has all the time that its step has");
});

t.test("where sudo lets us run nothing, the step has failed for good, there", async (t) => {
  const { take, say, hear } = open({ ...ALL, userid: 7 });
  const { ends, result } = take({ ...on([0, 1], "stage"), userid: 7 });
  say(0, "here");
  hear("1: sudo: a password is required");
  hear("0: sudo: what a step has printed here is not sudo's");
  say(0, "end stage 0");
  await result;
  t.match(ends[0], /^stage 1 failed \(exit 1: sudo: a password is required; the rule of/);
  t.equal(ends[1], "stage 0 ok");
});

t.test("whatever ends the flux exec ends what is under way, and the line", async (t) => {
  const { line, take, hear, end } = open();
  const { ends, result } = take(on([0], "up"));
  hear("flux-exec: something");
  end({ exitCode: 1 });
  await result;
  t.strictSame(ends, ["up 0 lost (flux-exec: something)"]);
  t.notOk(line.serves(on([0], "up")));
});

t.test("it is stopped with what is under way", async (t) => {
  const { take, stop } = open();
  const { ends, result } = take(on([0], "up"));
  stop.abort();
  await result;
  t.strictSame(ends, ["up 0 lost (stopped)"]);
});

t.test("a flux exec that goes on after all is said is stopped", (t) => {
  const { line, clock, isStopped } = open();
  line.close();
  clock.advance(59_000);
  t.notOk(isStopped());
  clock.advance(2_000);
  t.ok(isStopped());
  t.end();
});
