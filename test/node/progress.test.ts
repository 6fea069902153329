/** The reports of a chain of steps become statuses, notes, faults and last lines. */
import t from "tap";
import { chainOf, openSession } from "./session-under-test.js";

t.test("each rank's end is passed on as it arrives, with the step that follows", (t) => {
  const { take, stepEnd } = openSession();
  const { lines } = take(chainOf([0, 1], "stage", "up"));
  stepEnd(1, "stage");
  t.strictSame(lines, ["stage 1 ok > up"]);
  stepEnd(0, "stage");
  stepEnd(1, "up");
  stepEnd(0, "up");
  t.strictSame(lines.slice(1), ["stage 0 ok > up", "up 1 ok", "up 0 ok"]);
  t.end();
});

t.test("a failed step has its exit code and last line, and ends its rank", (t) => {
  const { take, stepEnd } = openSession();
  const { ends, lines } = take(chainOf([0, 1], "stage", "up"));
  stepEnd(1, "stage");
  stepEnd(0, "stage", 2, ["pulling", "no space left"]);
  stepEnd(1, "up", 1);
  t.strictSame(lines, [
    "stage 1 ok > up",
    "stage 0 failed (exit 2: no space left)",
    "up 1 failed (exit 1)",
  ]);
  t.strictSame(ends[1]?.tail, ["pulling", "no space left"]);
  t.strictSame(ends[0]?.tail, [], "each rank has its own");
  t.end();
});

t.test("each end shows whether other ranks still run that step", (t) => {
  const { take, stepEnd } = openSession();
  const { ends } = take(chainOf([0, 1], "stage", "up"));
  stepEnd(1, "stage");
  stepEnd(1, "up");
  stepEnd(0, "stage");
  stepEnd(0, "up", 1);
  t.strictSame(
    ends.map(({ more }) => more),
    [true, true, false, false],
  );
  t.end();
});

t.test("each end shows lost ranks, too", async (t) => {
  const { take, end } = openSession({ ranks: [0, 1, 2] });
  const { ends, over } = take(chainOf([0, 1, 2], "up"));
  end({ exitCode: 1 });
  await over;
  t.strictSame(
    ends.map(({ more }) => more),
    [true, true, false],
  );
});

t.test("a step that timed out has its time limit in its note", (t) => {
  const { take, report } = openSession();
  const { lines } = take(chainOf([0], "stage", "up"));
  const tail = ["waiting for docker"];
  report(0, { report: "end", step: "stage", status: "timeout", tail });
  t.strictSame(lines, ["stage 0 timeout (timed out after 30 s: waiting for docker)"]);
  t.end();
});

t.test("a step has its own limit within that of its chain", (t) => {
  const { take, requests } = openSession();
  void take({ ...chainOf([0], "stage", "kubeadm-init"), limitS: 200.2 });
  t.match(requests, [{ steps: [{ seconds: 120 }, { seconds: 201 }] }]);
  t.end();
});

t.test("a step that sudo refuses has failed permanently, with what to do", (t) => {
  const rule = "the rule of etc/sudoers.d/usernetes is needed on this node";
  const { take, report } = openSession({ ranks: [0, 1, 2], userid: 1002 });
  const { ends, lines } = take(chainOf([0, 1, 2], "stage"));
  report(0, { report: "refused", text: "sudo: a password is required" });
  const long = "Sorry, user flux is not allowed to execute '/usr/bin/setpriv";
  report(1, { report: "refused", text: long });
  report(2, { report: "refused", text: "uid 1002 has no account on this node" });
  t.strictSame(lines, [
    `stage 0 failed (exit 1: sudo: a password is required; ${rule})`,
    `stage 1 failed (exit 1: sudo: ${long}; ${rule})`,
    "stage 2 failed (exit 1: uid 1002 has no account on this node)",
  ]);
  t.equal(ends[0]?.fault, "permanent");
  t.end();
});

t.test("a successful call without an end loses its ranks", async (t) => {
  const { take, stepEnd, end } = openSession();
  const { lines, over } = take(chainOf([0, 1], "stage", "up"));
  stepEnd(0, "stage");
  end();
  await over;
  t.strictSame(lines, [
    "stage 0 ok > up",
    "up 0 lost (flux exec ended with 0)",
    "stage 1 lost (flux exec ended with 0)",
  ]);
});

t.test("the reason of a wait is passed on, except from a rank that floods", (t) => {
  const { take, report } = openSession();
  const { waits } = take(chainOf([0, 1], "wait-nodes"));
  const wait = (rank: number, text: string, step = "wait-nodes") => {
    report(rank, { report: "progress", step, text });
  };
  wait(0, "1 of 2 \u001b[31mnodes");
  wait(0, "of another step", "up");
  wait(0, "");
  for (let i = 0; i < 1000; i++) wait(1, String(i));
  t.strictSame(waits[0], { step: "wait-nodes", rank: 0, note: "1 of 2 nodes" });
  t.equal(waits.length, 201);
  t.end();
});

t.test("a note is short and has no secret, whatever was printed", (t) => {
  const { take, stepEnd } = openSession();
  const { ends } = take(chainOf([0, 1], "up"));
  stepEnd(
    0,
    "up",
    1,
    Array.from({ length: 1000 }, () => "x".repeat(5000)),
  );
  const last = "\u001b[31mred\0 \ufffd --token abcdef.0123456789abcdef";
  stepEnd(1, "up", 1, [...Array.from({ length: 100 }, String), last]);
  t.ok(ends.every(({ note, tail }) => note.length <= 300 && tail.length <= 12));
  t.match(ends[1], { status: "failed", note: "exit 1: red  \ufffd --token [token]" });
  t.end();
});
