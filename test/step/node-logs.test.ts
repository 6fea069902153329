import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import type { Command } from "../../lib/host/command.js";
import { readNodeLogs, type Asked, type NodeLine } from "../../lib/step/node-logs.js";
import { Node, NONCE, OWN } from "../fakes/node.js";
import { until } from "../hosts/until.js";
import { ended, TOKEN } from "../fakes/playing-run.js";

function staged(t: { teardown(act: () => void): unknown }): Node {
  const node = new Node();
  t.teardown(() => {
    node.remove();
  });
  node.staged();
  return node;
}

/** What is told, its parts as lines. */
const lines = (stderr: string) =>
  stderr
    .split("\n")
    .filter((line) => line.startsWith(`${NONCE} `))
    .map((line) => line.slice(NONCE.length + 1))
    .flatMap((line) => {
      const [, log, text = ""] = /^(log \S+ )(.*)$/.exec(line) ?? [];
      if (log === undefined) return [line];
      const each = text.split("\x1e");
      if (text.endsWith("\x1e")) each.pop();
      return each.map((words) => log + words);
    });

const put = (node: Node, name: string, text: string) => {
  writeFileSync(join(node.workdir, OWN, name), text);
};

t.test("on a node", (t) => {
  t.test("the steps' logs are told, and what runs, as far as its lines are whole", async (t) => {
    const node = staged(t);
    put(node, "up.log", "one\n  two\n-- exit 2 --\nno end");
    put(node, "kubeadm-init.raw", "begins\nhalf");
    put(node, "stage.log", "");
    const { stderr, exitCode } = await node.logs("once", ["stage", "up", "kubeadm-init"]).ended;
    t.equal(exitCode, 0);
    t.strictSame(lines(stderr), [
      ...["log up one", "log up   two", "log up -- exit 2 --", "log up no end"],
      ...["log kubeadm-init begins", "end yes"],
    ]);
    const one = await node.logs("once", ["kubeadm-init"]).ended;
    t.strictSame(lines(one.stderr), ["log kubeadm-init begins", "end yes"]);
  });

  t.test("a TERM to all that looks does not lose what it looks at", async (t) => {
    const node = staged(t);
    const dies = `[ ! -e "$NOTES/term" ] || { rm "$NOTES/term"; kill -TERM $$; }`;
    node.program("sed", `${dies}\nexec /usr/bin/sed "$@"`);
    node.note("term", "");
    put(node, "up.log", "one\n");
    const { stderr } = await node.logs("once", ["up"]).ended;
    t.strictSame(lines(stderr), ["log up one", "end yes"]);
    t.strictSame(node.noted("term"), [], "it came");
  });

  for (const program of ["wc", "sed"])
    t.test(`what is emptied before ${program} looks at it is told once, by its log`, async (t) => {
      const node = staged(t);
      const at = (name: string) => join(node.workdir, OWN, name);
      // The step ends at this very moment.
      const ends = `rm "$NOTES/ends"; echo b >>'${at("up.raw")}'; cat '${at("up.raw")}' >>'${at("up.log")}'; : >'${at("up.raw")}'`;
      node.program(
        program,
        `[ ! -e "$NOTES/ends" ] || { ${ends}; }\nexec /usr/bin/${program} "$@"`,
      );
      const following = node.logs("follow", ["up"]);
      put(node, "up.raw", "a\n");
      await until("a is told", () => lines(following.heard()).length > 0);
      put(node, "up.raw", "a\na2\n");
      node.note("ends", "");
      await until("the step has ended", () => existsSync(at("up.log")));
      await sleep(600);
      following.kill("SIGTERM");
      const { stderr } = await following.ended;
      const told = ["a", "a2", "b"].map((words) => `log up ${words}`);
      t.strictSame(lines(stderr), [...told, "end yes"]);
    });

  t.test("of more than is asked for the end is told", async (t) => {
    const node = staged(t);
    put(node, "up.log", Array.from({ length: 100 }, (_, n) => `line ${n}\n`).join(""));
    const { stderr } = await node.logs("once", ["up"], 20).ended;
    t.strictSame(lines(stderr), ["cut up", "log up line 98", "log up line 99", "end yes"]);
  });

  t.test("many lines are few parts, and a long one several", async (t) => {
    const node = staged(t);
    put(node, "up.log", `${"x".repeat(40_000)}\n${"y\n".repeat(5000)}`);
    const { stderr } = await node.logs("once", ["up"]).ended;
    const parts = stderr.split("\n").filter((line) => line.startsWith(`${NONCE} log up `));
    t.equal(parts.length, 2);
    const text = parts.map((line) => line.slice(`${NONCE} log up `.length)).join("");
    t.equal(text, `${"x".repeat(40_000)}\x1e${"y\x1e".repeat(5000)}`);
  });

  t.test("another's directory, and what was planted, is not looked at", async (t) => {
    const node = staged(t);
    put(node, "up.log", "x\n");
    const fifo = join(node.workdir, OWN, "stage.log");
    node.plant("fifo", fifo);
    for (const name of ["up.raw", "kubeadm-init.log"])
      symlinkSync(join(node.workdir, OWN, "up.log"), join(node.workdir, OWN, name));
    const told = await node.logs("once", ["stage", "up", "kubeadm-init"]).ended;
    t.strictSame(lines(told.stderr), ["log up x", "end yes"]);
    writeFileSync(join(node.workdir, ".usernetes/owner"), "123 another\n");
    t.strictSame(lines((await node.logs("once", ["up"]).ended).stderr), ["end no"]);
    const elsewhere = `${node.workdir}.away`;
    renameSync(node.workdir, elsewhere);
    t.strictSame(lines((await node.logs("once", ["up"]).ended).stderr), ["end no"]);
    symlinkSync(elsewhere, node.workdir);
    t.strictSame(lines((await node.logs("once", ["up"]).ended).stderr), ["end no"]);
  });

  t.test("what runs is followed, and told once, through all its tries", async (t) => {
    const node = new Node();
    t.teardown(() => {
      node.remove();
    });
    const following = node.logs("follow", ["stage", "up", "kubeadm-init"]);
    await sleep(600);
    mkdirSync(node.workdir);
    node.staged();
    await node.call(
      ["up", 20, "echo a; sleep 0.7; echo b; printf half; sleep 0.7; echo ' done'; exit 3"],
      ["kubeadm-init", 20, "true"],
    );
    await sleep(700);
    await node.call(["up", 20, "echo a; sleep 0.7; echo c"], ["kubeadm-init", 20, "echo d"]);
    following.kill("SIGTERM");
    const { stderr, exitCode } = await following.ended;
    t.equal(exitCode, 0);
    // In one look kubeadm-init may be seen to have ended, and up not yet.
    const [other, up] = [true, false].map((isOther) =>
      lines(stderr).filter((line) => line.startsWith("log up ") !== isOther),
    );
    t.strictSame(up, [
      ...["log up a", "log up b", "log up half done", "log up -- exit 3 --"],
      ...["log up a", "log up c"],
    ]);
    t.strictSame(other, ["log kubeadm-init d", "end yes"]);
  });
  t.test(
    "what is in the log by now, and still where it was printed to, is told once",
    async (t) => {
      const node = staged(t);
      const following = node.logs("follow", ["up"]);
      put(node, "up.raw", "a\n");
      await sleep(800);
      put(node, "up.raw", "a\nb\n");
      put(node, "up.log", "a\nb\n");
      await sleep(1200);
      rmSync(join(node.workdir, OWN, "up.raw"));
      await sleep(600);
      following.kill("SIGTERM");
      t.strictSame(lines((await following.ended).stderr), ["log up a", "log up b", "end yes"]);
    },
  );
  t.end();
});

const ASKED: Asked = {
  jobid: 5n,
  ranks: [0, 3],
  steps: ["stage", "up"],
  follow: false,
  as: { env: { PATH: "/bin", USERNETES_WORKDIR: "/tmp/x" }, userid: undefined, limitS: 60 },
};

async function read(said: (nonce: string) => string[], asked: Partial<Asked> = {}) {
  const told: NodeLine[] = [];
  let command: Command | undefined;
  const answered = await readNodeLogs(
    (given, options = {}) => {
      command = given;
      const nonce = given.argv[given.argv.indexOf("usernetes") + 1] ?? "";
      for (const line of said(nonce)) options.onStderrLine?.(line);
      return Promise.resolve(ended({ exitCode: 1 }));
    },
    { ...ASKED, ...asked },
    { onLine: (line) => told.push(line) },
  );
  return { told, command, ...answered };
}

t.test("all nodes are asked in one call, and lines have their ranks and no secrets", async (t) => {
  const { told, command, ranks, errors } = await read((nonce) => [
    `0: ${nonce} log up   --token ${TOKEN.slice(0, 9)}`,
    `3: ${nonce} log up first\x1e`,
    `0: ${nonce} log up ${TOKEN.slice(9)} \u001b[31mred\x1e\x1eno end`,
    `3: ${nonce} cut stage`,
    "0: ",
    `0: ${nonce} log weave x`,
    "0: n0nce log up forged",
    `0: ${nonce} end yes`,
    `3: ${nonce} end no`,
  ]);
  t.strictSame(told, [
    { rank: 3, step: "up", text: "first" },
    { rank: 0, step: "up", text: "  --token [token] red" },
    { rank: 0, step: "up", text: "" },
    { rank: 3, step: "stage", text: undefined },
    { rank: 0, step: "up", text: "no end" },
  ]);
  t.strictSame([...ranks], [0]);
  t.equal(errors.size, 0);
  t.match(command?.argv.slice(0, 4), ["flux", "exec", "-r", "0,3"]);
  t.strictSame(command?.argv.slice(-5), ["5", String(8 << 20), "once", "stage", "up"]);
});

t.test(
  "of another user's cluster they are asked as that user, and refusals are told",
  async (t) => {
    const as = { ...ASKED.as, userid: 1002 };
    const { command, errors, ranks } = await read(
      (nonce) => [
        "0: sudo: a password is required",
        `3: ${nonce} tail logs uid 1002 has no account on this node`,
        `3: ${nonce} end logs 1`,
      ],
      { as },
    );
    t.ok(command?.argv.includes("USERNETES_WORKDIR=/tmp/x"));
    t.ok(command?.argv.includes("1002"));
    t.match(errors.get(0), /^sudo: a password is required; the rule /);
    t.equal(errors.get(3), "uid 1002 has no account on this node");
    t.equal(ranks.size, 0);
  },
);

t.test("why nodes do not answer is told", async (t) => {
  const lost = await read(() => ["flux-exec: Error: rank 3: sh: No route to host"]);
  t.strictSame([...lost.errors], [[3, "No route to host"]]);
  const refused = await read(() => ["flux-exec: Error: Request requires owner credentials"]);
  t.match(refused.words, /owner credentials/);
});
