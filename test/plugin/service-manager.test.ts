/** Messages to systemd: ready, reloading, watchdog. */
import t from "tap";
import { ServiceManager } from "../../plugin/service-manager.js";
import { FakeClock } from "../fakes/fake-clock.js";

const UNIT = { NOTIFY_SOCKET: "/run/notify", WATCHDOG_USEC: "60000000" };

/** `answers` are the bridge's answers to the first requests. It sends all later requests. */
function manage(env: Record<string, string>, answers: (Promise<void> | "gone")[] = []) {
  const clock = new FakeClock();
  const reported: string[] = [];
  const notify = (state: string): Promise<void> => {
    reported.push(state.replaceAll("\n", " "));
    const answer = answers.shift();
    return answer === "gone" ? Promise.reject(new Error("no bridge")) : (answer ?? sent);
  };
  const sent = Promise.resolve();
  const settled = () => new Promise(setImmediate);
  const pass = async (ms: number) => {
    await settled();
    clock.advance(ms);
    await settled();
  };
  return { manager: new ServiceManager(notify, clock, env), reports: reported, pass };
}

t.test("nothing is sent without a service manager", async (t) => {
  const { manager, reports: received, pass } = manage({ WATCHDOG_USEC: "60000000" });
  manager.ready("4 ranks");
  manager.reloading();
  await pass(60_000);
  manager.stopping();
  t.strictSame(received, []);
});

t.test("the service manager is notified when the daemon is ready, reloads and stops", (t) => {
  const { manager, reports } = manage({ NOTIFY_SOCKET: "@abstract" });
  manager.reloading();
  t.strictSame(reports, [], "a reload before the start is not reported");
  manager.ready("4 ranks,\n0 jobs");
  manager.reloading();
  manager.ready("configuration reloaded");
  manager.stopping();
  manager.reloading();
  t.match(reports, [
    "READY=1 STATUS=4 ranks, 0 jobs",
    /^RELOADING=1 MONOTONIC_USEC=[0-9]+$/,
    "READY=1 STATUS=configuration reloaded",
    "STOPPING=1",
  ]);
  t.equal(reports.length, 4);
  t.end();
});

t.test("a sign of life is sent once at half of the watchdog's time", async (t) => {
  const { manager, reports, pass } = manage(UNIT);
  await pass(60_000);
  t.strictSame(reports, [], "not before it is ready");
  manager.ready("");
  manager.ready("again");
  reports.length = 0;
  await pass(29_999);
  t.strictSame(reports, []);
  await pass(1);
  await pass(30_000);
  t.strictSame(reports, ["WATCHDOG=1", "WATCHDOG=1"]);
  manager.stopping();
  await pass(60_000);
  t.equal(reports.at(-1), "STOPPING=1");
});

t.test("a bridge that hangs gets no second sign of life", async (t) => {
  const hangs = new Promise<void>(() => undefined);
  const { manager, reports, pass } = manage(UNIT, [Promise.resolve(), hangs]);
  manager.ready("");
  await pass(300_000);
  t.strictSame(reports.slice(1), ["WATCHDOG=1"]);
});

t.test("a request that a bridge has lost is sent again soon", async (t) => {
  const { manager, reports, pass } = manage(UNIT, ["gone", "gone"]);
  manager.ready("");
  await pass(1000);
  const once = ["READY=1 STATUS=", "WATCHDOG=1"];
  t.strictSame([reports.slice(0, 2), reports.slice(2).toSorted()], [once, once]);
});

t.test("a watchdog that is meant for another process is ignored", async (t) => {
  for (const [pid, signs] of [
    [String(process.pid), 2],
    ["1", 0],
  ] as const) {
    const { manager, reports, pass } = manage({ ...UNIT, WATCHDOG_PID: pid });
    manager.ready("");
    await pass(30_000);
    t.equal(reports.filter((state) => state === "WATCHDOG=1").length, signs, pid);
  }
});
