/** bridge.py with a journal that no Flux would write, from a stand-in for its broker. */
import { spawnSync } from "node:child_process";
import t from "tap";
import { packagePath } from "../../lib/host/package.js";

/** Passes the lines of stdin to the bridge as responses, and prints what the bridge posts. */
const FEED = `
import runpy, sys
names = runpy.run_path(sys.argv[1])
class Handle:
    def rpc(self, topic, payload):
        print("post", payload["id"], payload["name"], flush=True)
        return self
    def then(self, callback): pass
sys.setrecursionlimit(names["MAX_JSON_DEPTH"])
bridge = names["Bridge"](Handle(), perilog=False)
for line in sys.stdin: bridge.on_response(line)
`;
/** Does the same while two lookups wait for their answers, which come at the end. */
const WAITING = `
import runpy, sys
names = runpy.run_path(sys.argv[1])
waiting = []
class Raw:
    FLUX_KVS_READDIR = 1
    def flux_kvs_lookup(self, handle, namespace, flags, key): return key
    def flux_kvs_lookup_get(self, lookup, value): value[0] = b"text of " + lookup.encode()
    def flux_kvs_lookup_get_treeobj(self, lookup, value): value[0] = b'{"data":{"x":1}}'
class Ffi:
    NULL = None
    def new(self, kind): return [None]
    def string(self, text): return text
class Future:
    def __init__(self, lookup): pass
    def get(self): return None
    def then(self, callback, *args): waiting.append(lambda: callback(self, *args))
class Handle:
    def rpc(self, topic, payload):
        print("post", payload["id"], payload["name"], flush=True)
        return self
    def then(self, callback): pass
names["DaemonRequests"].op_lookup.__globals__.update(raw=Raw(), ffi=Ffi(), Future=Future)
bridge = names["Bridge"](Handle(), perilog=False)
bridge.requests.on_request('{"seq":1,"op":"lookup","key":"a"}')
bridge.requests.on_request('{"seq":2,"op":"list","key":"b"}')
for line in sys.stdin: bridge.on_response(line)
for answer in waiting: answer()
`;
const python = spawnSync("python3", ["--version"]).status === 0 ? false : "there is no python3";

function feed(responses: string[], play = FEED): { out: string[]; err: string } {
  const { stdout, stderr } = spawnSync("python3", ["-c", play, packagePath("plugin/bridge.py")], {
    input: responses.map((line) => `${line}\n`).join(""),
    env: { PATH: process.env["PATH"], PYTHONPATH: packagePath("test/sandbox/python") },
    encoding: "utf8",
  });
  return { out: stdout.split("\n").slice(0, -1), err: stderr };
}

const journal = (id: number, attributes: string): string =>
  `{"id":${id},"events":[{"timestamp":1,"name":"submit","context":{"userid":5}}],"jobspec":{"attributes":${attributes}}}`;
const job = (id: number, user: unknown, duration = 0): string[] => [
  `post ${id} prolog-start`,
  JSON.stringify({ type: "job", id: String(id), userid: 5, user, duration }),
];
const deep = (levels: number) => "[".repeat(levels) + "]".repeat(levels);
const ASKS = '"user":{"usernetes":"yes"}';

t.test(
  "a job that asks is held and reported, whatever else its jobspec has",
  { skip: python },
  (t) => {
    const { out, err } = feed([
      journal(1, `{${ASKS},"other":${deep(2000)}}`),
      journal(2, `{${ASKS},"system":${deep(2)}}`),
      journal(3, `{${ASKS},"system":{"duration":"long"}}`),
      journal(4, `{${ASKS},"system":{"duration":{"a":1}}}`),
      journal(5, `{${ASKS},"system":{"duration":1e999}}`),
      journal(6, `{${ASKS},"system":{"duration":NaN}}`),
      journal(7, `{${ASKS},"system":{"duration":-5}}`),
      journal(8, `{${ASKS},"system":{"duration":5.5}}`),
    ]);
    const yes = { usernetes: "yes" };
    t.strictSame(out, [
      ...[1, 2, 3, 4, 5, 6, 7].flatMap((id) => job(id, yes)),
      ...job(8, yes, 5.5),
    ]);
    t.equal(err, "");
    t.end();
  },
);

t.test(
  "an attribute that is too long or too deep is cut, and is refused later",
  { skip: python },
  (t) => {
    const { out } = feed([
      journal(1, `{"user":{"usernetes":"${"x".repeat(1 << 20)}"}}`),
      journal(2, `{"user":{"usernetes":${deep(2500)}}}`),
      journal(3, `{"user":{"usernetes":"yes","usernetes_engine":{"a":"${"ü".repeat(9999)}"}}}`),
    ]);
    t.strictSame(out, [
      ...job(1, { usernetes: [`"${"x".repeat(79)}...`] }),
      ...job(2, { usernetes: [`${"[".repeat(80)}...`] }),
      ...job(3, {
        usernetes: "yes",
        usernetes_engine: [`{"a": "${"\\u00fc".repeat(13).slice(0, 73)}...`],
      }),
    ]);
    t.end();
  },
);

t.test("only the usernetes keys are reported", { skip: python }, (t) => {
  const { out } = feed([
    journal(
      1,
      '{"user":{"usernetes":1,"usernetes_debug":1,"usernetes_":1,"usernetes_\\n$(x)":1,"__proto__":1}}',
    ),
  ]);
  t.strictSame(out, job(1, { usernetes: 1, usernetes_debug: 1 }));
  t.end();
});

t.test("a malformed message does not hide others", { skip: python }, (t) => {
  const { out, err } = feed([
    ...["nonsense", "null", "5", "[]", "{}", '{"id":1}', deep(100_000)],
    '{"id":1,"events":[{}],"jobspec":{"attributes":{"user":{"usernetes":1}}}}',
    '{"id":2,"events":[],"jobspec":[1]}',
    '{"id":2,"events":[],"jobspec":{"attributes":{"user":"usernetes"}}}',
    journal(9, `{${ASKS}}`),
    '{"id":-1,"events":[]}',
  ]);
  t.strictSame(out, [...job(9, { usernetes: "yes" }), '{"type":"sentinel"}']);
  const printed = err.trim().split("\n");
  t.equal(printed.length, 8);
  for (const line of printed) t.match(line, /^usernetes bridge: on_response: .{1,260}$/);
  t.end();
});

t.test("a job is reported as inactive before the next job on its nodes", { skip: python }, (t) => {
  const event = (id: number, name: string) =>
    `{"id":${id},"events":[{"timestamp":2,"name":"${name}"}]}`;
  const { out } = feed([
    ...[journal(1, `{${ASKS}}`), event(1, "alloc"), journal(2, `{${ASKS}}`)],
    ...[event(1, "finish"), event(1, "clean"), event(2, "alloc"), event(9, "clean")],
  ]);
  const yes = { usernetes: "yes" };
  t.strictSame(out, [
    ...[...job(1, yes), '{"type":"due","id":"1"}', ...job(2, yes)],
    ...["post 1 epilog-start", '{"type":"inactive","id":"1"}', '{"type":"due","id":"2"}'],
  ]);
  t.end();
});

t.test("a job is held while lookups wait for the KVS", { skip: python }, (t) => {
  const { out, err } = feed([journal(7, `{${ASKS}}`)], WAITING);
  t.strictSame(out, [
    ...job(7, { usernetes: "yes" }),
    '{"type":"reply","seq":1,"value":"text of a"}',
    '{"type":"reply","seq":2,"value":["x"]}',
  ]);
  t.equal(err, "");
  t.end();
});
