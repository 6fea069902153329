/** The reports of the nodes become findings, each with the ranks that it applies to. */
import t from "tap";
import { checkConfig } from "../../lib/config/check.js";
import { diagnose, isFit, type Diagnosis } from "../../lib/doctor/diagnose.js";
import type { Answers, CheckReport } from "../../lib/doctor/examine.js";
import { asJson } from "../../lib/doctor/json.js";
import {
  namedRequirements,
  requirements,
  userRequirements,
} from "../../lib/doctor/requirements.js";
import { report } from "../../lib/doctor/table.js";

const config = (more: object = {}) => checkConfig({ template: "/opt/usernetes", ...more }, "test");

/** The answers of the nodes. A node's reports are `ok TEXT` or `no TEXT`, by ID of the check. */
function answers(nodes: Record<string, string>[], lost: [number, string][] = []): Answers {
  const reported = nodes.map((node, rank): [number, Map<string, CheckReport>] => {
    const entries = Object.entries({ ...node, end: node["end"] ?? "ok" });
    return [
      rank,
      new Map(
        entries
          .filter(([, text]) => text !== "")
          .map(([id, text]) => [id, { ok: text.startsWith("ok"), text: text.slice(3) }]),
      ),
    ];
  });
  const gone = lost.map(([rank]) => rank);
  return {
    reports: new Map(reported.filter(([rank]) => !gone.includes(rank))),
    lost: new Map(lost),
  };
}

const of = (diagnoses: Diagnosis[], id: string) => {
  const { pass, fail } = diagnoses.find(({ requirement }) => requirement.id === id) ?? {};
  return { pass, fail };
};

function look(nodes: Record<string, string>[], more: object = {}, named: string[] = []) {
  const ranks = nodes.map((_, rank) => rank);
  const hosts = ranks.map((rank) => named[rank] ?? `n${rank + 1}`);
  return diagnose(requirements(config(more)), ranks, { answers: answers(nodes), hosts });
}

t.test("nodes with the same answer are grouped", (t) => {
  const diagnoses = look([
    { make: "ok", jq: "no missing: jq" },
    { make: "ok", jq: "ok" },
    { make: "ok", jq: "no missing: jq" },
  ]);
  t.strictSame(of(diagnoses, "make"), { pass: [0, 1, 2], fail: [] });
  const found = "missing: jq";
  t.strictSame(of(diagnoses, "jq"), { pass: [1], fail: [{ ranks: [0, 2], found }] });
  t.notOk(isFit(diagnoses));
  t.end();
});

t.test("only a fatal requirement makes an instance unfit", (t) => {
  t.ok(isFit(look([{ kubectl: "no missing: kubectl", make: "ok" }])));
  t.notOk(isFit(look([{ make: "no missing: make" }])));
  t.end();
});

t.test("an account with too few IDs is unfit; its limits and directories are warnings", (t) => {
  const unmet = (id: string, more: object = {}) => {
    const diagnoses = look([{ [id]: "no it is so" }], more);
    t.strictSame(of(diagnoses, id).fail, [{ ranks: [0], found: "it is so" }], id);
    return isFit(diagnoses) ? "warn" : "FAIL";
  };
  t.equal(unmet("subids"), "FAIL");
  for (const id of ["memlock", "runtime-dir", "kernel", "storage-docker"])
    t.equal(unmet(id), "warn", id);
  const all = { engines: ["docker", "podman", "nerdctl"] };
  for (const id of ["storage-podman", "storage-nerdctl"]) t.equal(unmet(id, all), "warn", id);
  // With run-as = "sudo", the owner has no clusters, but each user has.
  t.equal(unmet("subids", { "run-as": "sudo" }), "warn");
  const ids = userRequirements(config({ "run-as": "sudo" }), { user: "alice" }).map(({ id }) => id);
  for (const id of ["subids", "memlock", "runtime-dir", "storage-docker"])
    t.ok(ids.includes(`${id}@alice`), id);
  t.end();
});

t.test("a version that is too old is not met, and a newer one is", (t) => {
  const diagnose = (version: string) =>
    of(
      look([{ "compose-podman": `ok ${version}` }], { "container-engine": "podman" }),
      "compose-podman",
    ).fail;
  for (const version of ["1.0.6", "1.0.10", "1.3", "2", ""]) t.same(diagnose(version), [], version);
  for (const version of ["1.0.3", "1.0", "0.9.9"])
    t.same(diagnose(version), [
      { ranks: [0], found: `it is ${version}, 1.0.6 or newer is needed` },
    ]);
  t.end();
});

t.test("an engine that jobs may ask for is a warning, and other engines are not checked", (t) => {
  const fatal = (more: object) =>
    Object.fromEntries(
      requirements(config(more))
        .filter(({ id }) => id.startsWith("engine-"))
        .map(({ id, fatal }) => [id, fatal]),
    );
  t.same(fatal({}), { "engine-docker": true });
  t.same(fatal({ "container-engine": "podman", engines: ["docker", "podman"] }), {
    "engine-podman": true,
    "engine-docker": false,
  });
  t.end();
});

t.test("a template that differs from most others is reported", (t) => {
  const same = ["aa", "bb", "aa", "aa"].map((digest) => ({ "template-same": `ok ${digest}` }));
  t.strictSame(of(look(same), "template-same"), {
    pass: [0, 2, 3],
    fail: [{ ranks: [1], found: "it is bb, and aa on 3 others" }],
  });
  t.end();
});

t.test("clocks are compared with rank 0's, within the time of the call", (t) => {
  const clocks = (...times: number[]) =>
    of(look(times.map((time) => ({ clock: `ok ${time}` }))), "clock");
  t.strictSame(clocks(100_000, 101_500, 98_700), { pass: [0, 1, 2], fail: [] });
  t.strictSame(clocks(100_000, 103_000, 40_000), {
    pass: [0],
    fail: [
      { ranks: [1], found: "3.0 s ahead of rank 0" },
      { ranks: [2], found: "60.0 s behind rank 0" },
    ],
  });
  t.end();
});

t.test("four ports in a row must be free, or the four of usernetes", (t) => {
  const ports = (range: string, taken: string) =>
    of(look([{ ports: `ok ${taken}` }], { ports: range }), "ports").fail;
  t.same(ports("20000-20007", "20001"), []);
  t.same(ports("20000-20007", "20001 20004"), [
    { ranks: [0], found: "no four ports of 20000-20007 are free" },
  ]);
  t.not(ports("20000-20007", "20000 20005")?.length, 0, "in a block that clusters take");
  t.same(ports("default", "2380 6444"), []);
  t.same(ports("default", "2379 6443"), [{ ranks: [0], found: "taken: 2379 6443" }]);
  t.end();
});

t.test("a host name that a Kubernetes node cannot have is reported", (t) => {
  const fail = (...hosts: string[]) =>
    of(
      look(
        hosts.map(() => ({ make: "ok" })),
        {},
        hosts,
      ),
      "host-name",
    ).fail;
  t.same(fail("node0", "rack1.example.org"), []);
  t.match(fail("node0", "compute_1"), [
    { ranks: [1], found: /compute_1 cannot be part of .*1123/ },
  ]);
  t.match(fail("a".repeat(61)), [{ ranks: [0], found: /is too long: / }]);
  t.match(fail("node0", "Node0", "node1"), [
    { ranks: [0], found: "it differs from Node0 only in case" },
    { ranks: [1], found: "it differs from node0 only in case" },
  ]);
  t.end();
});

t.test("two brokers on one host are a warning", (t) => {
  const nodes = [{ make: "ok" }, { make: "ok" }, { make: "ok" }];
  const diagnoses = look(nodes, {}, ["n1", "n2", "n1"]);
  const found = "ranks 0,2 are on the host n1: a job that gets two of them is refused";
  t.strictSame(of(diagnoses, "one-broker"), { pass: [1], fail: [{ ranks: [0, 2], found }] });
  t.strictSame(of(diagnoses, "host-name").fail, []);
  t.ok(isFit(diagnoses));
  t.end();
});

t.test("a network of the node within the pool of subnets is reported", (t) => {
  const fail = (text: string, subnets?: string) =>
    of(look([{ networks: `ok ${text}` }], subnets ? { subnets } : {}), "networks").fail;
  t.same(fail("192.0.2.0/24 eth0 192.0.2.7/24 eth0 127.0.0.1/8 lo 10.99.255.255 eth0"), []);
  t.same(fail(""), []);
  const found =
    "usernetes.subnets (10.100.0.0/14) overlaps 10.100.0.0/16 (eth0), 10.100.3.4/16 (eth0)";
  t.same(fail("10.100.0.0/16 eth0 10.100.3.4/16 eth0"), [{ ranks: [0], found }]);
  t.match(fail("10.103.255.255 ib0"), [{ found: /overlaps 10.103.255.255 \(ib0\)$/ }], "its last");
  t.match(fail("10.0.0.0/8 eth0"), [{ found: /overlaps 10.0.0.0\/8/ }], "a network around it");
  t.same(fail("10.100.0.0/16 eth0", "10.200.0.0/16"), []);
  t.end();
});

t.test("the interface is checked if the configuration names one", (t) => {
  const ids = (more: object) => requirements(config(more)).map(({ id }) => id);
  t.notOk(ids({}).includes("interface"));
  t.ok(ids({ interface: "eth0" }).includes("interface"));
  t.ok(ids({}).includes("address"));
  t.notOk(ids({ interface: "eth0" }).includes("address"));
  t.end();
});

t.test("a shared work directory may lie on a network file system", (t) => {
  const ids = (more: object) => requirements(config(more)).map(({ id }) => id);
  t.ok(ids({}).includes("workdir-local"));
  t.notOk(ids({ "shared-filesystem": "yes" }).includes("workdir-local"));
  t.end();
});

t.test("a node that does not answer fails that requirement alone", (t) => {
  const received = answers(
    [{ make: "ok" }, {}, { make: "ok", end: "" }, {}],
    [[1, "No route to host"]],
  );
  received.reports.delete(3);
  const diagnoses = diagnose(requirements(config()), [0, 1, 2, 3], {
    answers: received,
    hosts: ["n1", "n2", "n3", "n4"],
  });
  t.strictSame(of(diagnoses, "answer"), {
    pass: [0],
    fail: [
      { ranks: [1], found: "No route to host" },
      { ranks: [2], found: "it stopped after make" },
      { ranks: [3], found: "the node does not answer" },
    ],
  });
  t.strictSame(of(diagnoses, "make"), { pass: [0, 2], fail: [] });
  t.notOk(isFit(diagnoses));
  t.end();
});

t.test("each requirement has a fix and is listed once", (t) => {
  const all = requirements(config({ interface: "eth0", engines: ["docker", "podman", "nerdctl"] }));
  t.equal(new Set(all.map(({ id }) => id)).size, all.length);
  for (const { id, what, how, fix } of all) {
    t.match([id, what, how, fix], [/./, /./, /./, /./]);
    t.ok(what.length <= 24, `${what} fits into the table`);
  }
  t.end();
});

t.test("the table is narrow, whatever the names of the hosts are", (t) => {
  const hosts = Array.from(
    { length: 64 },
    (_, i) => `rack${i}-a-long-host-name${i * 2}.example.org`,
  );
  const diagnoses = look(hosts.map((_, i) => ({ make: i % 3 === 0 ? "ok" : "no missing: make" })));
  const [table = ""] = report(diagnoses, hosts).split("\n\n");
  for (const line of table.split("\n")) t.ok(line.length <= 80, line);
  t.end();
});

t.test("the report shows what fails where, and how to fix it", (t) => {
  const hosts = ["n1", "n2", "n3"];
  const nodes = [{ make: "ok" }, { make: "no missing: make" }, { make: "no missing: make" }];
  t.equal(
    report(look(nodes), hosts),
    `      requirement               met on                  not met on
ok    answers                   n[1-3]
FAIL  make                      n1                      n[2-3]
ok    host name                 n[1-3]
ok    one broker per host       n[1-3]

FAIL: make
  n[2-3]: missing: make
  fix: install make
`,
  );
  t.match(report(look(nodes), ["n", "n", "n"]), "  rank 1-2: missing: make\n");
  t.end();
});

t.test("the JSON has the same results, with idsets", (t) => {
  const nodes = [{ make: "ok" }, { make: "no missing: make" }, { make: "ok" }];
  const text = asJson(look(nodes), ["n1", "n2", "n3"]);
  const { ok, hosts, requirements } = JSON.parse(text) as {
    ok: boolean;
    hosts: unknown;
    requirements: { id: string }[];
  };
  t.same({ ok, hosts }, { ok: false, hosts: { 0: "n1", 1: "n2", 2: "n3" } });
  t.same(
    requirements.find(({ id }) => id === "make"),
    {
      id: "make",
      what: "make",
      how: "command -v make",
      fatal: true,
      fix: "install make",
      pass: "0,2",
      fail: [{ ranks: "1", found: "missing: make" }],
    },
  );
  t.end();
});

t.test("the owner's engine is a warning with run-as sudo, and each user's is required", (t) => {
  const sudo = { "run-as": "sudo" };
  t.ok(isFit(look([{ "engine-docker": "no gone", linger: "no it does not" }], sudo)));
  t.notOk(isFit(look([{ "engine-docker": "no gone" }])));
  const hosts = ["n1"];
  const reported = answers([{ "engine-docker": "no gone", "rootless-docker": "ok" }]);
  const needed = userRequirements(config(sudo), { user: "alice" });
  const diagnoses = diagnose(needed, [0], {
    ...{ answers: reported, hosts },
    concern: { user: "alice" },
  });
  t.strictSame(of(diagnoses, "engine-docker@alice").fail, [{ ranks: [0], found: "gone" }]);
  t.strictSame(of(diagnoses, "answer@alice").pass, [0]);
  t.notOk(isFit(diagnoses));
  t.notMatch(needed.map(({ fix }) => fix).join(), "the instance owner");
  t.end();
});

t.test("each of usernetes.templates has its own requirements", (t) => {
  const site = config();
  const named = (options: object) =>
    namedRequirements({ ...site, options: { ...site.options, ...options } }, site, "calico");
  const ids = (options: object) => named(options).map(({ id }) => id);
  const ofTemplate = ["subids:calico", "kernel:calico", "template:calico"];
  t.same(ids({}), [...ofTemplate, "template-rest:calico", "template-same:calico"]);
  t.ok(ids({ hooks: { "before-up": ["a"] } }).includes("hooks:calico"));
  const other = ids({ environment: { XDG_RUNTIME_DIR: "/x/{user}" } });
  for (const id of ["engine-docker", "storage-docker", "memlock", "runtime-dir", "environment"])
    t.ok(other.includes(`${id}:calico`), `another environment may change ${id}`);
  const answered = answers([{ template: "no it lacks a target", "template-same": "ok 1" }]);
  const concern = { template: "calico" };
  const diagnoses = diagnose(named({}), [0], { answers: answered, hosts: ["n1"], concern });
  t.strictSame(of(diagnoses, "template:calico").fail, [{ ranks: [0], found: "it lacks a target" }]);
  t.match(report(diagnoses, ["n1"]), /^FAIL {2}calico: template +n1$/m);
  t.end();
});

t.test("the directories of --user's users are checked with run-as sudo, not the owner's", (t) => {
  const table = { "run-as": "sudo", environment: { TMPDIR: "/tmp/{user}" } };
  const ids = (all: { id: string }[]) => all.map(({ id }) => id);
  t.notOk(ids(requirements(config(table))).includes("environment"));
  t.ok(ids(userRequirements(config(table), { user: "alice" })).includes("environment@alice"));
  t.ok(ids(requirements(config({ ...table, "run-as": "owner" }))).includes("environment"));
  t.end();
});
