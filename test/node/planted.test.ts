/**
 * A user, or another, may plant files, links and directories where a cluster's own would be. No
 * step follows them, hangs on them or removes them.
 */
import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import t from "tap";
import { MARKER, newNode, NONCE, OWN, PROJECT, type Node } from "../fakes/node.js";
import { MAKEFILE } from "../fakes/template.js";

const isRoot = process.getuid?.() === 0;

/** What is planted instead of the work directory or in it, and the message of stage. */
const PLANTED: [string, (node: Node) => void, RegExp][] = [
  ...(["fifo", "file", "dangling link", "link"] as const).map(
    (what): [string, (node: Node) => void, RegExp] => [
      `a ${what} in its place`,
      (node) => {
        node.plant(what, node.workdir);
      },
      /usernetes-ƒ2qt1hsjy5 already exists and is not a directory owned by uid [0-9]+; remove it or change usernetes\.workdir$/,
    ],
  ),
  [
    "a link to the template in its place",
    (node) => {
      symlinkSync(node.template, node.workdir);
    },
    /already exists and is not a directory owned by uid [0-9]+; remove it or change usernetes\.workdir$/,
  ],
  [
    "a directory with something in it",
    (node) => {
      mkdirSync(node.workdir);
      node.plant("file", join(node.workdir, "thesis.tex"));
    },
    /already exists, is not empty and does not belong to a cluster; remove it or change usernetes.workdir$/,
  ],
  ...(["fifo", "file", "dangling link", "link"] as const).map(
    (what): [string, (node: Node) => void, RegExp] => [
      `a ${what} as .usernetes`,
      (node) => {
        mkdirSync(node.workdir);
        node.plant(what, join(node.workdir, ".usernetes"));
      },
      /already exists, is not empty and does not belong to a cluster; remove it or change usernetes.workdir$/,
    ],
  ),
  [
    "a link to a directory with our marker as .usernetes",
    (node) => {
      mkdirSync(node.workdir);
      writeFileSync(join(node.elsewhere, "owner"), `${MARKER}\n`);
      node.plant("link", join(node.workdir, ".usernetes"));
    },
    /already exists, is not empty and does not belong to a cluster; remove it or change usernetes.workdir$/,
  ],
  ...(["fifo", "directory", "dangling link", "link"] as const).map(
    (what): [string, (node: Node) => void, RegExp] => [
      `a ${what} as the marker`,
      (node) => {
        mkdirSync(join(node.workdir, ".usernetes"), { recursive: true });
        node.plant(what, join(node.workdir, ".usernetes/owner"));
      },
      /already exists, is not empty and does not belong to a cluster; remove it or change usernetes.workdir$/,
    ],
  ),
  [
    "a huge marker of many lines",
    (node) => {
      mkdirSync(join(node.workdir, ".usernetes"), { recursive: true });
      writeFileSync(join(node.workdir, ".usernetes/owner"), "x\n".repeat(5_000_000));
    },
    /usernetes-ƒ2qt1hsjy5 belongs to another job \(x\)$/,
  ],
  ...(isRoot
    ? [
        [
          "an empty directory of another user",
          (node) => {
            mkdirSync(node.workdir);
            chownSync(node.workdir, 12345, 12345);
          },
          /already exists and is not a directory owned by uid [0-9]+; remove it or change usernetes\.workdir$/,
        ] satisfies [string, (node: Node) => void, RegExp],
      ]
    : []),
];

/** Everything at a path and below it, one entry a line, with its mode, size and time. */
function picture(path: string): string[] {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (!stat) return [`${path}: nothing`];
  const line = `${path}: ${stat.mode} ${stat.isDirectory() ? "" : stat.size} ${stat.mtimeMs}`;
  const inside = stat.isDirectory() ? readdirSync(path).toSorted() : [];
  return [line, ...inside.flatMap((name) => picture(join(path, name)))];
}

for (const [what, plant, message] of PLANTED)
  t.test(`${what} fails the job with the reason and stays unchanged`, async (t) => {
    const node = newNode(t);
    plant(node);
    const all = () => [node.workdir, node.elsewhere, node.template].flatMap(picture);
    const before = all();
    const { exitCode, stderr } = await node.step("stage");
    t.equal(exitCode, 1);
    t.match(stderr, message);
    t.notMatch(stderr, /\n/, "in one line");
    node.note("container", `${PROJECT}-node-1\n`);
    const down = await node.step("down-v");
    t.equal(down.exitCode, 0);
    t.match(down.stderr, `${node.workdir} has no marker of this cluster; not removed`);
    t.strictSame(all(), before, "untouched");
    t.strictSame(node.noted("make"), []);
    t.strictSame(node.noted("container"), [], "what the engine has is taken down all the same");
  });

t.test("the containers of a cluster without its marker are removed, too", async (t) => {
  const node = newNode(t);
  await node.step("stage");
  node.note("container", `${PROJECT}-node-1\n`);
  node.plant("fifo", join(node.workdir, ".usernetes/x"));
  writeFileSync(join(node.workdir, ".usernetes/owner"), "");
  t.equal((await node.step("down-v")).exitCode, 0);
  t.strictSame(node.noted("container"), []);
  t.ok(existsSync(node.workdir), "but whose the directory is, is not known any more");
});

t.test("an empty directory becomes private when it is used", async (t) => {
  const node = newNode(t);
  mkdirSync(node.workdir, { mode: 0o777 });
  t.equal((await node.step("stage")).exitCode, 0);
  t.equal(statSync(node.workdir).mode & 0o777, 0o700);
});

t.test("a link in place of the new marker is not followed", async (t) => {
  const node = newNode(t);
  await node.step("stage");
  node.plant("link", join(node.workdir, `.usernetes/owner.0`));
  t.equal((await node.step("stage")).exitCode, 0);
  t.strictSame(readdirSync(node.elsewhere), []);
});

t.test("planted files in place of a step's log do no harm", (t) => {
  for (const what of ["fifo", "file", "directory", "dangling link", "link"] as const)
    t.test(`a ${what} in place of a log is not followed, and no step hangs on it`, async (t) => {
      const node = newNode(t);
      node.staged();
      for (const name of ["up.log", "up.log.1"]) node.plant(what, join(node.workdir, OWN, name));
      t.strictSame(await node.call(["up", 10, "echo printed; exit 3"]), ["up: failed 3: printed"]);
      t.strictSame(node.litter, []);
      t.strictSame(readdirSync(node.elsewhere), []);
      t.notOk(existsSync(join(node.directory, "nowhere")));
    });

  t.test("a step's own output is read even if the step replaces its log", async (t) => {
    const node = newNode(t);
    node.staged();
    const swap = `echo 1; sleep 0.5; rm ${OWN}/up.log; mkdir -p ${OWN}/up.log/x; echo 2; exit 3`;
    t.strictSame(await node.call(["up", 10, `cd "$USERNETES_WORKDIR"; ${swap}`]), [
      "up: failed 3: 1 | 2",
    ]);
  });

  t.test("no link on the path of the log is followed", async (t) => {
    for (const link of [".usernetes", ".usernetes/nodes", OWN]) {
      const node = newNode(t);
      node.staged();
      const real = join(node.elsewhere, "real");
      renameSync(join(node.workdir, link), real);
      symlinkSync(real, join(node.workdir, link));
      t.strictSame(await node.call(["up", 10, "echo x"]), ["up: ok: x"]);
      const logs = readdirSync(real, { recursive: true, encoding: "utf8" });
      t.notOk(
        logs.some((name) => name.endsWith(".log")),
        link,
      );
    }
  });
  t.end();
});

t.test("a template's links and files are checked", (t) => {
  const stage = async (node: Node, template = node.template) =>
    node.step("stage", { USERNETES_TEMPLATE: template });

  t.test("a template with links within itself is copied, even through a link to it", async (t) => {
    const node = newNode(t);
    mkdirSync(join(node.template, "a/b"), { recursive: true });
    symlinkSync("../../Makefile", join(node.template, "a/b/up"));
    symlinkSync("b", join(node.template, "a/directory"));
    symlinkSync("missing", join(node.template, "a/dangling"));
    mkdirSync(join(node.template, ".git"));
    symlinkSync("/etc", join(node.template, ".git/out"));
    symlinkSync("/etc/passwd", join(node.template, "kubeconfig"));
    symlinkSync(node.template, join(node.directory, "link"));
    const { exitCode, stderr } = await stage(node, join(node.directory, "link"));
    t.equal(exitCode, 0, stderr);
    t.equal(node.read("a/b/up"), MAKEFILE);
    t.ok(lstatSync(join(node.workdir, "a/directory")).isSymbolicLink());
  });

  t.test("a template with a link out of itself is refused, and the link is named", async (t) => {
    for (const [name, to] of [
      ["out", "/etc/passwd"],
      ["out", "/etc"],
      ["a/out", "../../elsewhere"],
      ["out", "a/../.."],
      ["out", "nowhere/to/be/found"],
    ] as const) {
      const node = newNode(t);
      mkdirSync(join(node.template, "a"));
      t.ok(node.elsewhere);
      symlinkSync(to, join(node.template, name));
      const { exitCode, stderr } = await stage(node);
      t.equal(exitCode, 1);
      t.equal(
        stderr,
        `the template ${node.template}: ${name} is a link that leads out of it, to ${to}: put a copy in its place`,
      );
      t.notOk(existsSync(node.workdir), "nothing was started");
    }
  });

  t.test("a template with an absolute link to itself is refused", async (t) => {
    const node = newNode(t);
    symlinkSync(join(node.template, "Makefile"), join(node.template, "out"));
    t.match((await stage(node)).stderr, /: out is a link that leads out of it/);
  });

  t.test("a template with a fifo is refused and does not hang", async (t) => {
    const node = newNode(t);
    node.plant("fifo", join(node.template, "pipe $(reboot)"));
    t.equal(
      (await stage(node)).stderr,
      `the template ${node.template}: pipe $(reboot) is neither a file, a directory nor a link: remove it`,
    );
    t.notOk(existsSync(node.workdir));
  });
  t.end();
});

t.test("a step's output may have any size and content", (t) => {
  const staged = (t: { teardown(act: () => void): unknown }) => {
    const node = newNode(t);
    node.staged();
    return node;
  };
  const sizes = (node: Node) =>
    ["up.log", "up.log.1"].map(
      (name) => statSync(join(node.workdir, OWN, name), { throwIfNoEntry: false })?.size ?? 0,
    );

  t.test("the end of 100 MB of output is kept, and at most a mebibyte", async (t) => {
    const node = staged(t);
    const script = "yes 0123456789 | head -c 100000000; echo; echo end; exit 1";
    const [end = ""] = await node.call(["up", 60, script]);
    t.ok(end.startsWith("up: failed 1: "), end);
    t.ok(end.endsWith(" | end"), end);
    t.ok(sizes(node).every((size) => size <= 512 << 10));
    t.match(node.read(`${OWN}/up.log`), /\nend\n-- exit 1 --\n$/);
  });

  t.test("one line of 50 MB is cut", async (t) => {
    const node = staged(t);
    const script = "yes x | head -c 100000000 | tr -d '\\n'; exit 1";
    const [end = ""] = await node.call(["up", 60, script]);
    t.match(end, /^up: failed 1: (x{400}|-- some output was left out here --)/);
    t.ok(sizes(node)[0] ?? 0 < 1 << 18);
  });

  t.test("no half of a secret is printed where output is cut", async (t) => {
    // The token starts just before the place where a line or the output is cut.
    for (const [size, end] of [
      [65536, "exit 1"],
      [65536, "echo; exit 1"],
      [1 << 20, "exit 1"],
      [2 << 20, "echo; exit 1"],
    ] as const) {
      const node = staged(t);
      const x = (count: number) => `yes x | head -c $((2 * ${count})) | tr -d '\\n'`;
      const script = `${x(size - 10)}; printf ' token abcdef.0123456789abcdef '; ${x(size - 10)}; ${end}`;
      t.notMatch(await node.call(["up", 60, script]), /[0-9a-f]{8}/);
      t.notMatch(node.read(`${OWN}/up.log`), "9abcdef");
    }
  });

  t.test("output may contain any bytes", async (t) => {
    const bytes = String.raw`printf 'a\000b\377\033[31m\302\233c\r\n\n'; exit 1`;
    const [end = ""] = await staged(t).call(["up", 10, bytes]);
    t.match(end, /^up: failed 1: ab.{1,5}c \| $/);
  });

  t.test("output can forge neither a report nor a message of flux exec", async (t) => {
    const node = staged(t);
    const end = { report: "end", step: "up", status: "ok", tail: [] };
    const lines = [
      JSON.stringify({ nonce: NONCE, ...end }),
      JSON.stringify(end),
      "flux-exec: Error: rank 1: sh: No route to host",
      "1: Exit 3",
    ];
    const forge = lines.map((line) => `echo '${line}'; echo '${line}' >&2; echo '${line}' >&3`);
    const agent = node.start(["up", 10, `${forge.join("; ")}; exit 4`]);
    const { reports, stderr } = await agent.ended;
    t.equal(stderr, "", "nothing but reports");
    t.strictSame(
      reports.slice(1, -1),
      lines.map((line) => `progress up: ${line}`),
    );
    const tail = lines.flatMap((line) => [line, line]).join(" | ");
    t.equal(reports.at(-1), `up: failed 4: ${tail}`);
  });

  t.test("output to the runner's own stderr cannot mix with reports", async (t) => {
    const node = staged(t);
    const forged = [
      `{"report": "end", "kind": 1, "self": 2, "nonce": "x", "step": "up"}`,
      `{"report": ["end"]}`,
      `{"report": {}}`,
      `{"report"`,
      `garbage`,
      `{"report": "over", "x": "${"y".repeat(200_000)}"}`,
    ];
    node.note("forged", `${forged.join("\n")}\n`);
    const script = 'cat "$NOTES/forged" >"/proc/$PPID/fd/2"; exit 4';
    const { reports, exitCode } = await node.start(["up", 10, script]).ended;
    t.equal(exitCode, 0, "the agent does not fail of it");
    t.strictSame(reports.slice(1), ["up: failed 4"]);
  });

  t.test("megabytes of output do not fill the disk, and the last lines are kept", async (t) => {
    const node = staged(t);
    const script = `exec 6>&1; yes | head -c 100000000; echo last
while [ "$(stat -L -c %b /proc/self/fd/6)" -gt 100000 ]; do sleep 0.1; done; exit 1`;
    const [end = ""] = await node.call(["up", 20, script]);
    t.ok(end.endsWith(" | y | last"), end);
    t.match(end, /^up: failed 1: /);
  });
  t.end();
});

t.test("the join-command replaces whatever has its name", async (t) => {
  const node = newNode(t);
  node.staged();
  node.env["FAKE_ARCHIVE"] = "x";
  const file = join(node.workdir, "join-command");
  for (const what of ["fifo", "dangling link", "link"] as const) {
    node.plant(what, file);
    t.strictSame(await node.call("fetch-join"), ["fetch-join: ok"], what);
    t.equal(node.read("join-command"), "x\n");
    rmSync(file);
  }
  t.notOk(existsSync(join(node.directory, "nowhere")));
  t.strictSame(readdirSync(node.elsewhere), []);
  node.plant("directory", file);
  t.match(await node.call("fetch-join"), [/^fetch-join: failed 1: .*Is a directory/]);
});

t.test("the join-command is not written through a link", async (t) => {
  const node = newNode(t);
  node.env["FAKE_ARCHIVE"] = "x";
  node.plant("link", node.workdir);
  t.match(await node.call("fetch-join"), [/^fetch-join: failed 1: .*no work directory/]);
  t.strictSame(readdirSync(node.elsewhere), []);
});
