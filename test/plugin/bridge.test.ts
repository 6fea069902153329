/** The client of bridge.py: its requests, its answers and its restarts. */
import { readFileSync } from "node:fs";
import { pino } from "pino";
import t from "tap";
import { Bridge } from "../../plugin/bridge.js";
import { FluxError } from "../../plugin/flux-error.js";
import { eventually, FakeFlux } from "../fakes/fake-flux.js";

const READY = '{"type":"ready","rank":0,"size":4,"owner":500,"starttime":1000.5}';
const SENTINEL = '{"type":"sentinel"}';

/**
 * A bridge whose other end is a script. `$n` counts its starts. `each LINE` runs for every
 * request. `answer REST` replies to the request that was read last.
 */
function bridge(
  t: { testdir(): string; teardown(act: () => void): unknown },
  script: string,
  { hold = true }: { hold?: boolean } = {},
) {
  const flux = new FakeFlux(
    t.testdir(),
    `echo "$*" >>"$NOTES/starts"
n=$(grep -c . "$NOTES/starts")
answer() { echo "{\\"type\\":\\"reply\\",\\"seq\\":$(printf '%s' "$line" | sed 's/^{"seq":\\([0-9]*\\).*/\\1/'),$1}"; }
next() { IFS= read -r line || exit 0; printf '%s\\n' "$line" >>"$NOTES/requests"; }
${script}
while next; do answer '"value":null'; done`,
  );
  const seen: unknown[] = [];
  const printed: string[] = [];
  const log = pino({ level: "warn" }, { write: (line: string) => printed.push(line) });
  const tested = new Bridge(
    { env: flux.env, args: hold ? [] : ["--perilog"], log },
    {
      onReady: ({ size, owner }) => seen.push({ ready: { size, owner } }),
      onJob: (job) => seen.push({ job }),
      onDue: (id) => seen.push({ due: id }),
      onInactive: (id) => seen.push({ inactive: id }),
      onGone: (id) => seen.push({ gone: id }),
      onOnline: (ranks) => seen.push({ online: ranks }),
      onSentinel: () => seen.push("sentinel"),
      onCall: (call) => {
        seen.push({ call });
        return call.method === "clean"
          ? Promise.resolve({ clusters: [] })
          : Promise.reject(new FluxError(38, "there is no such method"));
      },
      onRefused: (reason, error) => seen.push({ refused: reason, error }),
    },
  );
  t.teardown(() => {
    tested.stop();
  });
  tested.start();
  return { bridge: tested, flux, seen, logged: printed, requests: () => flux.noted("requests") };
}

t.test("the bridge is bridge.py under flux's python", async (t) => {
  const { flux, seen } = bridge(t, `echo '${READY}'`);
  await eventually(() => seen.length === 1);
  t.strictSame(seen, [{ ready: { size: 4, owner: 500 } }]);
  const [start = ""] = flux.noted("starts");
  t.match(start, /^python \/.*\/plugin\/bridge\.py$/);
  t.match(readFileSync(start.split(" ")[1] ?? "", "utf8"), "one JSON object a line");
});

t.test("the bridge is started with --perilog if a prolog holds", async (t) => {
  const { flux, seen } = bridge(t, `echo '${READY}'`, { hold: false });
  await eventually(() => seen.length === 1);
  t.match(flux.noted("starts")[0], /bridge\.py --perilog$/);
});

t.test("job IDs that a double cannot hold are reported", async (t) => {
  const id = 18446744073709551615n;
  const { seen } = bridge(
    t,
    `echo '{"type":"job","id":"${id}","userid":501,"user":{"usernetes":"yes"},"duration":60.5,"history":true}'
echo '{"type":"job","id":"7","userid":501,"user":{"usernetes":1},"duration":null}'
echo '{"type":"due","id":"${id}"}'
echo '{"type":"inactive","id":"${id}"}'
echo '{"type":"gone","id":"${id}"}'
echo '${SENTINEL}'`,
  );
  await eventually(() => seen.includes("sentinel"));
  t.strictSame(seen, [
    { job: { id, userid: 501, user: { usernetes: "yes" }, duration: 60.5 } },
    { job: { id: 7n, userid: 501, user: { usernetes: 1 }, duration: 0 } },
    { due: id },
    { inactive: id },
    { gone: id },
    "sentinel",
  ]);
});

t.test("each request is one line of bridge.py's protocol", async (t) => {
  const { bridge: b, requests } = bridge(t, "");
  await b.post(7n, "prolog-finish", { status: 0 });
  await b.memo(7n, { usernetes: { state: "ready" } });
  await b.raise(7n, "up failed");
  await b.update(7n, { "attributes.system.duration": 60 });
  await b.commit([
    ["append", "k", "line\n"],
    ["put", "k2", { a: 1 }],
    ["unlink", "k3"],
  ]);
  await b.drain("1-2", "left");
  await b.lookup("key");
  b.logLine(6, "text");
  await b.list("dir");
  await b.expire(7n);
  t.strictSame(
    requests().map((line) => JSON.parse(line) as unknown),
    [
      { seq: 1, op: "post", id: "7", name: "prolog-finish", context: { status: 0 } },
      { seq: 2, op: "memo", id: "7", memo: { usernetes: { state: "ready" } } },
      { seq: 3, op: "raise", id: "7", kind: "usernetes", severity: 0, note: "up failed" },
      { seq: 4, op: "update", id: "7", updates: { "attributes.system.duration": 60 } },
      {
        seq: 5,
        op: "commit",
        ops: [
          ["append", "k", "line\n"],
          ["put", "k2", { a: 1 }],
          ["unlink", "k3"],
        ],
      },
      { seq: 6, op: "drain", ranks: "1-2", reason: "left" },
      { seq: 7, op: "lookup", key: "key" },
      { seq: 8, op: "log", level: 6, text: "text" },
      { seq: 9, op: "list", key: "dir" },
      {
        ...{ seq: 10, op: "raise", id: "7", kind: "timeout", severity: 0 },
        note: "resource allocation expired",
      },
    ],
  );
});

t.test("answers find their requests, in any order", async (t) => {
  const { bridge: b } = bridge(
    t,
    `next; first=$line; next; answer '"value":"two"'; line=$first; answer '"value":"one"'`,
  );
  t.strictSame(await Promise.all([b.lookup("a"), b.lookup("b")]), ["one", "two"]);
  t.equal(await b.lookup("gone"), undefined, "a key that is not there");
});

t.test("a refusal by Flux is reported with its errno", async (t) => {
  const { bridge: b } = bridge(t, `next; answer '"errno":2,"error":"unknown job"'`);
  const error = await b.raise(7n, "x").catch((reason: unknown) => reason);
  t.ok(error instanceof FluxError);
  t.match(error, { errno: 2, message: "unknown job" });
});

t.test("open requests are rejected when the bridge dies, and it is started again", async (t) => {
  const { bridge: b, seen } = bridge(t, `echo '${READY}'; [ "$n" -gt 1 ] || { next; kill -9 $$; }`);
  await t.rejects(b.post(7n, "x", {}), new Error("the bridge ended"));
  await t.rejects(b.post(7n, "x", {}), new Error("the bridge is not running"));
  await eventually(() => seen.length === 2);
  t.strictSame(
    seen.map((event) => (typeof event === "string" ? event : Object.keys(event as object)[0])),
    ["ready", "ready"],
  );
  await b.post(7n, "x", {});
});

t.test("a bridge that is refused is not restarted", (t) => {
  for (const reason of ["exists", "owner", "rank", "flux"])
    t.test(`a bridge that is refused with ${reason} is not restarted`, async (t) => {
      const { flux, seen } = bridge(
        t,
        `echo '{"type":"refused","reason":"${reason}","error":"because"}'; exit 1`,
      );
      await eventually(() => seen.length > 0);
      await new Promise((resolve) => setTimeout(resolve, 300));
      t.strictSame(seen, [{ refused: reason, error: "because" }]);
      t.equal(flux.noted("starts").length, 1);
    });
  t.end();
});

t.test("a restarted bridge may find its name in use for a moment", async (t) => {
  const { flux, seen } = bridge(
    t,
    `case $n in
  1) echo '${READY}'; exit 1 ;;
  2) echo '{"type":"refused","reason":"exists","error":"registered already"}'; exit 1 ;;
esac
echo '${READY}'`,
  );
  await eventually(() => flux.noted("starts").length === 3 && seen.length >= 2);
  t.strictSame(
    seen.map((event) => (typeof event === "string" ? event : Object.keys(event as object)[0])),
    ["ready", "ready"],
  );
});

/** Lines that are not valid messages of the bridge. */
const GARBAGE = [
  ...["Traceback (most recent call last):", "\u001b[31mred", "{", "null", "5", '"x"', "[]", "{}"],
  ...['{"type":5}', '{"type":"job"}', '{"type":"job","id":"7"}', '{"type":"gone"}'],
  '{"type":"job","id":"ƒ7","userid":1,"user":{}}',
  '{"type":"job","id":"7","userid":"root","user":{}}',
  '{"type":"job","id":"7","userid":1,"user":null}',
  ...['{"type":"gone","id":"-1"}', '{"type":"online"}', '{"type":"online","ranks":"many"}'],
  ...['{"type":"ready"}', '{"type":"ready","size":"4","owner":{}}', '{"type":"refused"}'],
  ...['{"type":"reply"}', '{"type":"reply","seq":99}', '{"type":"reply","seq":{},"errno":2}'],
];

t.test("a line outside of the protocol is logged, has no effect and hides no other", async (t) => {
  const echoes = GARBAGE.map((line) => `echo '${line}'`).join("\n");
  const { seen, logged: messages } = bridge(t, `${echoes}\necho '${SENTINEL}'`);
  await eventually(() => seen.length > 0);
  t.strictSame(seen, ["sentinel"]);
  t.equal(messages.length, GARBAGE.length);
  for (const line of messages) t.match(line, "bridge: ignoring a malformed line: ");
  t.notMatch(messages.join(""), "u001b", "a terminal takes no orders from it");
});

t.test("an endless line hides no other and is not kept", async (t) => {
  const { seen, logged } = bridge(
    t,
    `head -c 100000000 /dev/zero | tr '\\0' x; echo; echo '${SENTINEL}'`,
  );
  await eventually(() => seen.length > 0);
  t.strictSame(seen, ["sentinel"]);
  t.equal(logged.length, 1);
  t.match(logged[0], /bridge: ignoring a line that is too long: x{100}"/);
  t.ok(process.memoryUsage().arrayBuffers < 64 << 20);
});

t.test(
  "an answer of some megabytes is accepted, and one that is too long is reported",
  async (t) => {
    const { bridge: b } = bridge(
      t,
      `long() { next; printf '{"type":"reply","seq":%d,"value":"' "$1"; head -c "$2" /dev/zero | tr '\\0' x; echo '"}'; }
long 1 8000000
long 2 20000000`,
    );
    t.equal((await b.lookup("record"))?.length, 8_000_000);
    await t.rejects(b.lookup("eventlog"), new Error("the answer is too long"));
    t.equal(await b.lookup("next"), undefined);
  },
);

t.test("an exception's note is one line of limited length, which Flux accepts", async (t) => {
  const { bridge: b, requests } = bridge(t, "");
  await b.raise(7n, `one\n\u001b[31mtwo\0\ud800${"x".repeat(1 << 20)}`);
  t.match(requests()[0], /"note":"one two x{990,1000}"\}$/);
});

t.test(
  "the bridge ends when the daemon closes its input, and nothing waits for ever",
  async (t) => {
    const {
      bridge: b,
      flux,
      seen,
    } = bridge(t, `echo '${READY}'; while next; do :; done; echo over >>"$NOTES/over"`);
    await eventually(() => seen.length === 1);
    const waiting = b.lookup("key");
    b.stop();
    await t.rejects(waiting, new Error("the daemon ends"));
    await new Promise((resolve) => setTimeout(resolve, 300));
    t.equal(flux.noted("starts").length, 1);
    t.strictSame(seen.slice(1), []);
  },
);

t.test(
  "a bridge that never started is refused with its last line, and not restarted",
  async (t) => {
    const { flux, seen } = bridge(t, `echo "No module named 'flux'" >&2; exit 1`);
    await eventually(() => seen.length > 0);
    await new Promise((resolve) => setTimeout(resolve, 300));
    t.strictSame(seen, [{ refused: "flux", error: "No module named 'flux'" }]);
    t.equal(flux.noted("starts").length, 1);
  },
);

t.test("a call to the service is answered with its result, or its refusal", async (t) => {
  const call = (n: number, method: string) =>
    `echo '{"type":"call","call":${n},"method":"${method}","userid":500,"payload":{"jobid":"1"}}'`;
  const { seen, requests } = bridge(
    t,
    `echo '${READY}'; ${call(1, "clean")}; ${call(2, "dance")}; next; answer '"value":null'`,
  );
  await eventually(() => requests().length === 2);
  t.match(seen[1], { call: { method: "clean", userid: 500, payload: { jobid: "1" } } });
  t.strictSame(
    requests().map((line) => ({ ...(JSON.parse(line) as object), seq: 0 })),
    [
      { seq: 0, op: "answer", call: 1, value: { clusters: [] } },
      { seq: 0, op: "answer", call: 2, errno: 38, error: "there is no such method" },
    ],
  );
});
