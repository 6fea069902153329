/** Pauses between retries grow up to a limit. */
import t from "tap";
import { Backoff, retry } from "../../lib/host/backoff.js";
import { FakeClock } from "../fakes/fake-clock.js";

const PAUSES = { firstMs: 100, maxMs: 350 };
const settle = () => new Promise((resolve) => setImmediate(resolve));

t.test("each pause doubles up to the limit, and is short again after a success", (t) => {
  const backoff = new Backoff(new FakeClock(), PAUSES);
  const next = () => backoff.again(() => undefined);
  t.strictSame([next(), next(), next(), next()], [100, 200, 350, 350]);
  backoff.reset();
  t.equal(next(), 100);
  t.end();
});

t.test("the callback comes after the pause, unless it is canceled", (t) => {
  const clock = new FakeClock();
  const backoff = new Backoff(clock, PAUSES);
  let calls = 0;
  backoff.again(() => calls++);
  clock.advance(99);
  t.equal(calls, 0);
  clock.advance(1);
  t.equal(calls, 1);
  backoff.again(() => calls++);
  backoff.cancel();
  clock.advance(10_000);
  t.equal(calls, 1);
  t.end();
});

t.test("retry returns the result of the first successful try", async (t) => {
  const clock = new FakeClock();
  const errors: string[] = [];
  let tries = 0;
  const value = retry(
    () => (++tries < 3 ? Promise.reject(new Error(`no ${tries}`)) : Promise.resolve("done")),
    {
      ...{ clock, pauses: PAUSES, isWanted: () => true },
      onError: (why, pauseMs) => errors.push(`${why}, ${pauseMs} ms`),
    },
  );
  for (let i = 0; i < 3; i++) {
    await settle();
    clock.advanceToNext();
  }
  t.equal(await value, "done");
  t.strictSame(errors, ["no 1, 100 ms", "no 2, 200 ms"]);
});

t.test("retry ends when it is aborted", async (t) => {
  const clock = new FakeClock();
  let wanted = true;
  let tries = 0;
  const value = retry(
    (): Promise<string> => {
      tries++;
      return Promise.reject(new Error("no"));
    },
    { clock, pauses: PAUSES, isWanted: () => wanted, onError: () => undefined },
  );
  await settle();
  wanted = false;
  clock.advance(100);
  t.equal(await value, undefined);
  t.equal(tries, 1);
});
