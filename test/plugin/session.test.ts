/** The work of one cluster on its nodes: which chains share a call, and what ends a call. */
import t from "tap";
import type { Run } from "../../lib/host/command.js";
import type { Chain, StepEnd } from "../../lib/node/chain-tracker.js";
import { ClusterSession } from "../../plugin/session.js";
import type { World } from "../../plugin/world.js";
import { FakeClock } from "../fakes/fake-clock.js";
import { PlayingRun, type Play } from "../fakes/playing-run.js";

const chainOf = (ranks: number[], ...steps: Chain["steps"]): Chain => ({
  ...{ ranks, steps, env: {}, site: {}, limitS: 30 },
});
const turns = async () => {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
};

function open(play: Play = () => undefined) {
  const clock = new FakeClock();
  const playing = new PlayingRun(clock);
  playing.play = play;
  const lost = new Set<number>();
  const changes = new Set<() => void>();
  const leaving = new AbortController();
  /** Whether each call is over. */
  const calls: boolean[] = [];
  const run: Run = async (command, options) => {
    const number = calls.push(false) - 1;
    const outcome = await playing.run(command, options);
    calls[number] = true;
    return outcome;
  };
  const nodes = {
    isLost: (rank: number) => lost.has(rank),
    onChange: (callback: () => void) => {
      changes.add(callback);
      return () => changes.delete(callback);
    },
  };
  const site = { base: {}, instance: "3f0b" };
  const session = new ClusterSession(
    7n,
    { run, clock, nodes, site } as unknown as World,
    leaving.signal,
  );
  const take = (chain: Chain) => {
    const ends: string[] = [];
    const onEnd = ({ step, rank, status, note }: StepEnd) =>
      ends.push(`${step} ${rank} ${status}${note && `: ${note}`}`);
    const over = session.during(session.take(chain, undefined, { onEnd }));
    return { ends, over };
  };
  const lose = (rank: number) => {
    lost.add(rank);
    for (const change of changes) change();
  };
  return { session, take, lose, calls, clock, leaving };
}

t.test("chains that follow one another share one call, and so does a retry", async (t) => {
  const { take, calls } = open((step, _, attempt) =>
    step === "up" && attempt === 1 ? { exit: 1 } : {},
  );
  const first = take(chainOf([0, 1], "stage", "up"));
  await first.over;
  t.match(first.ends, ["stage 0 ok", "stage 1 ok", /^up 0 failed/, /^up 1 failed/]);
  const retry = take(chainOf([0, 1], "up"));
  await retry.over;
  t.strictSame(retry.ends, ["up 0 ok", "up 1 ok"]);
  t.strictSame(calls, [false]);
});

t.test("a chain of busy ranks, or of other ranks, has its own call", async (t) => {
  const { take, calls } = open((step) => (step === "up" ? { hangs: true } : {}));
  void take(chainOf([0], "up")).over.catch(() => undefined);
  await turns();
  await take(chainOf([0], "kubeconfig")).over;
  await take(chainOf([1], "stage")).over;
  t.equal(calls.length, 3);
});

t.test("a lost rank ends its steps, and the next chain has its own call", async (t) => {
  const { take, lose, calls } = open((step) => (step === "up" ? { seconds: 5 } : {}));
  const up = take(chainOf([0, 1], "stage", "up"));
  await turns();
  lose(1);
  t.match(up.ends, ["stage 0 ok", "stage 1 ok", /^up 1 lost/]);
  const next = take(chainOf([1], "stage"));
  await next.over;
  t.match(next.ends, [/^stage 1 lost: the node was lost/], "it is known to be lost");
  t.equal(calls.length, 2);
});

t.test("stop ends the steps of a bring-up and waits for that", async (t) => {
  const { session, take, calls } = open(() => ({ hangs: true }));
  const up = take(chainOf([0, 1], "up"));
  await turns();
  session.joinCommand = "kubeadm join";
  await session.stop();
  t.match(up.ends, [/^up 0 lost: stopped/, /^up 1 lost: stopped/]);
  t.strictSame(calls, [true]);
  t.equal(session.joinCommand, undefined, "the join command is forgotten");
});

t.test("stop does not end a teardown, but the daemon's exit does", async (t) => {
  const { session, take, calls, leaving } = open(() => ({ hangs: true }));
  session.restart();
  const down = take(chainOf([0], "down-v"));
  await turns();
  void session.stop();
  await turns();
  t.strictSame([down.ends, calls], [[], [false]]);
  leaving.abort();
  await down.over;
  t.strictSame(calls, [true]);
});

t.test("the daemon's exit ends the steps of a bring-up", async (t) => {
  const { take, calls, leaving } = open(() => ({ hangs: true }));
  const up = take(chainOf([0], "up"));
  await turns();
  leaving.abort();
  await up.over;
  t.strictSame(calls, [true]);
});

t.test("restart ends the old call, and the next chain has its own", async (t) => {
  const { session, take, calls } = open();
  await take(chainOf([0, 1], "stage")).over;
  await session.stop();
  session.restart();
  await turns();
  t.strictSame(calls, [true]);
  const down = take(chainOf([0, 1], "down-v"));
  await down.over;
  t.strictSame(down.ends, ["down-v 0 ok", "down-v 1 ok"]);
  t.equal(calls.length, 2);
});

t.test("close ends the call, forgets the join-command, and can be repeated", async (t) => {
  const { session, take, calls } = open();
  await take(chainOf([0], "stage")).over;
  session.joinCommand = "kubeadm join";
  session.close();
  session.close();
  await turns();
  t.strictSame(calls, [true]);
  t.equal(session.joinCommand, undefined);
  await take(chainOf([0], "up")).over;
  t.equal(calls.length, 2, "what comes later has another");
});
