/** A job's eventlog is followed, and the follow is restarted without a lost event. */
import t from "tap";
import type { JobEvent } from "../../lib/cluster/fold.js";
import { Follow } from "../../plugin/follow.js";
import { eventually, FakeFlux } from "../fakes/fake-flux.js";

/** Follows job 42 with a `flux` that runs the `n`-th script at its n-th start. */
function follow(
  t: { testdir(): string; teardown(act: () => void): unknown },
  { scripts, known = 0, starts = true }: { scripts: string[]; known?: number; starts?: boolean },
) {
  const cases = scripts.map((script, i) => `${i + 1}) ${script} ;;`).join("\n");
  const flux = new FakeFlux(
    t.testdir(),
    `echo "$*" >>"$NOTES/starts"
say() { for name; do echo "{\\"timestamp\\":1,\\"name\\":\\"$name\\"}"; done; }
case $(grep -c . "$NOTES/starts") in
${cases}
esac`,
  );
  const events: JobEvent[] = [];
  const restarts: string[] = [];
  const following = new Follow(42n, {
    env: flux.env,
    known,
    onEvent: (event) => events.push(event),
    onRestart: (why) => restarts.push(why),
  });
  t.teardown(() => {
    following.stop();
  });
  if (starts) following.start();
  return { flux, following, events, names: () => events.map((event) => event.name), restarts };
}

const quietly = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

t.test("a job's events are reported as they arrive", async (t) => {
  const { flux, names } = follow(t, { scripts: ["say submit alloc; exec sleep 60"] });
  await eventually(() => names().length === 2);
  t.strictSame(names(), ["submit", "alloc"]);
  t.strictSame(flux.noted("starts"), ["job eventlog --follow --format=json 42"]);
});

t.test("known clusters are not reported again", async (t) => {
  const { names } = follow(t, { scripts: ["say submit alloc start; exec sleep 60"], known: 2 });
  await eventually(() => names().length > 0);
  t.strictSame(names(), ["start"]);
});

t.test("a follow that dies is restarted and reports only new events", async (t) => {
  const { names, restarts } = follow(t, {
    scripts: [
      "say submit alloc; echo 'flux-job: lost' >&2; exit 1",
      "say submit alloc start; kill -9 $$",
      "say submit alloc start finish; exec sleep 60",
    ],
  });
  await eventually(() => names().length === 4);
  t.strictSame(names(), ["submit", "alloc", "start", "finish"]);
  t.strictSame(restarts, ["flux-job: lost", "exit by a signal"]);
});

t.test("a follow that ended normally is not restarted", async (t) => {
  const { flux, names, restarts } = follow(t, { scripts: ["say submit clean"] });
  await eventually(() => names().length === 2);
  await quietly(400);
  t.strictSame(restarts, []);
  t.equal(flux.noted("starts").length, 1);
});

t.test("a stopped follow is not restarted and reports nothing more", async (t) => {
  const { flux, following, names } = follow(t, {
    scripts: ["say submit; trap 'say late; exit 1' TERM; while :; do sleep 0.02; done"],
  });
  await eventually(() => names().length === 1);
  following.stop();
  await quietly(500);
  t.strictSame(names(), ["submit"]);
  t.equal(flux.noted("starts").length, 1);
});

t.test("a line that is not an event is skipped, and no event is reported twice", async (t) => {
  const odd = [
    ...["nonsense", "[]", "null", "5", "{}", '{"timestamp":1}', '{"name":"start"}'],
    ...['{"timestamp":"now","name":"start"}', '{"timestamp":1,"name":{}}'],
  ];
  const script = ["say submit", ...odd.map((line) => `echo '${line}'`), "say alloc"].join("; ");
  const { names } = follow(t, {
    scripts: [`${script}; exit 1`, `${script}; say start; exec sleep 60`],
  });
  await eventually(() => names().includes("start"));
  t.strictSame(names(), ["submit", "alloc", "start"]);
});

t.test("an exception with a note that is too long still counts", async (t) => {
  const note = `head -c 20000000 /dev/zero | tr '\\0' x; echo '"}}'`;
  const { events } = follow(t, {
    scripts: [
      `say submit
printf '{"timestamp":2.5,"name":"exception","context":{"type":"mine","severity":0,"userid":5,"note":"'; ${note}
printf '{"timestamp":3,"name":"memo","context":{"a":"'; ${note}
say clean; exec sleep 60`,
    ],
  });
  await eventually(() => events.length === 4);
  t.strictSame(events, [
    { timestamp: 1, name: "submit" },
    { timestamp: 2.5, name: "exception", context: { type: "mine", severity: 0 } },
    { timestamp: 3, name: "memo", context: {} },
    { timestamp: 1, name: "clean" },
  ]);
});

t.test("a line that a dying follow cuts is reported when it is complete", async (t) => {
  const { names } = follow(t, {
    scripts: [
      `say submit; printf '{"timestamp":1,"na'; exit 1`,
      "say submit alloc start; exec sleep 60",
    ],
  });
  await eventually(() => names().includes("start"));
  t.strictSame(names(), ["submit", "alloc", "start"]);
});

t.test("events before its process starts are reported once", async (t) => {
  const scripts = ["say submit depend alloc start; exec sleep 60"];
  const { flux, following, names } = follow(t, { scripts, known: 1, starts: false });
  const prints = (...all: string[]) => all.map((name) => `{"timestamp":1,"name":"${name}"}`);
  const reads = [prints("submit"), prints("submit", "depend"), prints("submit", "depend")];
  const read = () => {
    const lines = reads.shift() ?? prints("submit", "depend", "alloc");
    return lines.length === 1 ? Promise.reject(new Error("not now")) : Promise.resolve(lines);
  };
  await following.startLater(read, () => {
    t.strictSame(flux.noted("starts"), [], "it is not started while it looks");
    return !names().includes("alloc");
  });
  t.strictSame(names().slice(0, 2), ["depend", "alloc"]);
  await eventually(() => names().includes("start"));
  t.strictSame(names(), ["depend", "alloc", "start"]);
});

t.test("a late follow starts after a limited number of lookups", async (t) => {
  const { flux, following, names } = follow(t, { scripts: ["say submit"], starts: false });
  let looks = 0;
  const none = () => {
    looks++;
    return Promise.resolve([]);
  };
  await following.startLater(none, () => true);
  t.ok(looks > 1 && looks < 20, `it looked ${looks} times`);
  await eventually(() => names().length === 1);
  t.equal(flux.noted("starts").length, 1);
});

t.test("a follow that is stopped before its start reports and starts nothing", async (t) => {
  const { flux, following, names } = follow(t, { scripts: ["say submit"], starts: false });
  const late = () => {
    following.stop();
    return Promise.resolve(['{"timestamp":1,"name":"submit"}']);
  };
  await following.startLater(late, () => true);
  await quietly(200);
  t.strictSame(names(), []);
  t.strictSame(flux.noted("starts"), []);
});
