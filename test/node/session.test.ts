/** A session: chains of steps over one call to the agents, and the ends that every rank gets. */
import t from "tap";
import { chainOf, openSession } from "./session-under-test.js";

t.test("chains are sent as requests over one call", async (t) => {
  const { session, take, requests, stepEnd, report, here } = openSession();
  const both = take(chainOf([0, 1], "stage", "up"));
  here(0, 1);
  stepEnd(0, "stage");
  stepEnd(0, "up");
  t.notOk(session.serves([1]), "a rank takes one chain at a time");
  t.ok(session.serves([0]), "but does not wait for others");
  const lead = take(chainOf([0], "join-command"));
  report(0, { report: "result", step: "join-command", text: "join!\n" });
  stepEnd(0, "join-command");
  await lead.over;
  stepEnd(1, "stage");
  stepEnd(1, "up", 3);
  await both.over;
  t.strictSame(both.lines, [
    "stage 0 ok > up",
    "up 0 ok",
    "stage 1 ok > up",
    "up 1 failed (exit 3)",
  ]);
  t.strictSame(lead.lines, ["join-command 0 ok gives join!"]);
  t.ok(session.serves([1]), "one that failed can be asked again");
  const step = (name: string, seconds = 30) => ({ step: name, seconds, script: "true" });
  const request = {
    do: "steps",
    env: { PATH: "/bin" },
    site: {},
    private: "usernetes-join-7",
    teardown: false,
  };
  t.strictSame(requests, [
    { ...request, ranks: "0-1", steps: [step("stage"), step("up")] },
    { ...request, ranks: "0", steps: [step("join-command")] },
  ]);
});

t.test("a chain with down-v is a teardown", (t) => {
  const { take, requests } = openSession();
  void take(chainOf([0], "delete-token", "down-v"));
  t.match(requests, [{ teardown: true }]);
  t.end();
});

t.test("a session serves only its own ranks, and none after it is closed", (t) => {
  const { session, requests } = openSession();
  t.ok(session.serves([0, 1]));
  t.notOk(session.serves([0, 2]));
  session.close();
  session.close();
  t.notOk(session.serves([0]));
  t.strictSame(requests, [], "a session that nobody has used has no call to end");
  t.end();
});

t.test("a rank is lost when its runner has exited, and the others are not", async (t) => {
  const { session, take, report, stepEnd } = openSession();
  const { lines, over } = take(chainOf([0, 1], "up"));
  report(1, { report: "gone", text: "" });
  stepEnd(0, "up");
  await over;
  t.strictSame(lines, ["up 1 lost (the step runner on this node exited unexpectedly)", "up 0 ok"]);
  t.ok(session.serves([0, 1]), "its agent is there, and starts another");
});

t.test(
  "a rank whose broker is lost, or that flux exec cannot reach, is reported as lost",
  async (t) => {
    const { session, take, lose, hear } = openSession();
    const { lines, over } = take(chainOf([0, 1], "up"));
    lose(1);
    hear("flux-exec: Error: rank 0: flux: No route to host");
    await over;
    t.strictSame(lines, ["up 1 lost (the node was lost)", "up 0 lost (No route to host)"]);
    t.notOk(session.serves([1]));
    t.notOk(session.serves([0]));
  },
);

t.test("a rank that was already lost is reported immediately", async (t) => {
  const { take, lose, stepEnd } = openSession();
  lose(1);
  const { lines, over } = take(chainOf([0, 1], "up"));
  t.strictSame(lines, ["up 1 lost (the node was lost)"]);
  stepEnd(0, "up");
  await over;
});

t.test("a flux exec that hangs on lost ranks is stopped when no other ranks remain", async (t) => {
  const { session, take, lose, stepEnd, isStopped } = openSession();
  const { over } = take(chainOf([0, 1], "up"));
  session.close();
  lose(1);
  t.notOk(isStopped(), "the other rank is at its step");
  lose(0);
  await over;
  t.ok(isStopped());
  stepEnd(0, "up");
});

t.test("a closed session with a lost rank is stopped when its last step has ended", async (t) => {
  const { session, take, lose, stepEnd, isStopped } = openSession();
  const { over } = take(chainOf([0, 1], "up"));
  session.close();
  lose(1);
  stepEnd(0, "up");
  await over;
  t.ok(isStopped(), "flux exec may not end for minutes");
});

t.test("a rank that does not answer for a minute is lost", async (t) => {
  const { take, here, stepEnd, clock, session } = openSession();
  const { lines, over } = take(chainOf([0, 1], "up"));
  here(0);
  clock.advance(59_000);
  t.strictSame(lines, []);
  clock.advance(2_000);
  t.strictSame(lines, ["up 1 lost (the node does not answer)"]);
  t.notOk(session.serves([1]));
  clock.advance(100_000);
  stepEnd(0, "up");
  await over;
  t.equal(lines[1], "up 0 ok", "one that answers has all the time that its step has");
});

t.test("the end of the flux exec ends running steps and the session", async (t) => {
  const { session, take, hear, end, changes } = openSession();
  const { lines, over } = take(chainOf([0], "up"));
  hear("flux-exec: something");
  end({ exitCode: 1 });
  await over;
  t.strictSame(lines, ["up 0 lost (flux-exec: something)"]);
  t.notOk(session.serves([0]));
  t.equal(changes.size, 0, "and it listens to nothing more");
});

t.test("a session is stopped together with its running steps", async (t) => {
  const { take, stop } = openSession();
  const { lines, over } = take(chainOf([0], "up"));
  stop.abort();
  await over;
  t.strictSame(lines, ["up 0 lost (stopped)"]);
});

t.test("a flux exec that does not end is stopped a minute after the last request", (t) => {
  const { session, clock, isStopped, take, stepEnd, here, hasEnded } = openSession();
  void take(chainOf([0, 1], "stage"));
  here(0, 1);
  clock.advance(61_000);
  for (const rank of [0, 1]) stepEnd(rank, "stage");
  t.notOk(hasEnded());
  session.close();
  t.ok(hasEnded(), "its agents get the end of the requests");
  clock.advance(59_000);
  t.notOk(isStopped());
  clock.advance(2_000);
  t.ok(isStopped());
  t.end();
});

t.test("reports that no chain waits for are ignored", async (t) => {
  const { take, stepEnd, lose } = openSession();
  const { lines, over } = take(chainOf([0], "stage"));
  stepEnd(7, "stage");
  stepEnd(1, "stage");
  stepEnd(0, "up");
  stepEnd(0, "stage", 1);
  stepEnd(0, "stage");
  lose(0);
  await over;
  t.strictSame(lines, ["stage 0 failed (exit 1)"]);
});

t.test("the first request is an argument and reaches the ranks that start", (t) => {
  const { session, requests, call, take } = openSession();
  t.strictSame(call().argv, [], "the first chain opens the call");
  void take(chainOf([0, 1], "stage"));
  t.match(requests, [{ do: "steps", steps: [{ step: "stage" }] }]);
  t.strictSame(JSON.parse(call().argv.at(-1) ?? ""), requests[0]);
  t.ok(session.serves([]), "the call stays");
  t.end();
});

t.test("a session that has lost a rank accepts no further chain", (t) => {
  const { session, take, hear, here, stepEnd } = openSession();
  void take(chainOf([0, 1], "stage"));
  here(0, 1);
  stepEnd(0, "stage");
  t.ok(session.serves([0]));
  hear("flux-exec: Error: rank 1: flux: No route to host");
  t.notOk(session.serves([0]), "flux exec may pass on no more of its stdin");
  t.end();
});
