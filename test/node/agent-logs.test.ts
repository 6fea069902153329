/** The logs of steps, as an agent reports them and as the command reads them from all nodes. */
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import type { Command } from "../../lib/host/command.js";
import { readNodeLogs, type LogRequest, type NodeLine } from "../../lib/view/node-logs.js";
import type { Request } from "../../lib/node/protocol.js";
import { newNode, OWN, type Node } from "../fakes/node.js";
import { ended, firstRequests, TOKEN } from "../fakes/playing-run.js";

function stagedNode(t: { teardown(act: () => void): unknown }): Node {
  const node = newNode(t);
  node.staged();
  return node;
}

/** The reports of logs, with one entry for each line of a log. */
const linesOf = (reports: string[]) => {
  const kinds = reports.filter((report) => report !== "here");
  return kinds.flatMap((report) => {
    const [, log, text = ""] = /^(log \S+: )(.*)$/s.exec(report) ?? [];
    if (log === undefined) return [report];
    return text
      .replace(/\n$/, "")
      .split("\n")
      .map((line) => log + line);
  });
};

const put = (node: Node, name: string, text: string) => {
  writeFileSync(join(node.workdir, OWN, name), text);
};

t.test("a node reports the logs of its steps", (t) => {
  t.test(
    "the logs of all steps are reported, including a last line without a newline",
    async (t) => {
      const node = stagedNode(t);
      put(node, "up.log", "one\n  two\n-- exit 2 --\nno end");
      put(node, "stage.log.1", "earlier\n");
      put(node, "stage.log", "later\n");
      put(node, "kubeconfig.log", "");
      const { reports, exitCode } = await node.logs("once", ["stage", "up", "kubeconfig"]).ended;
      t.equal(exitCode, 0);
      t.strictSame(linesOf(reports), [
        ...["log stage: earlier", "log stage: later"],
        ...["log up: one", "log up:   two", "log up: -- exit 2 --", "log up: no end", "logs found"],
      ]);
    },
  );

  t.test("the end of a log is reported if it is longer than requested", async (t) => {
    const node = stagedNode(t);
    put(node, "up.log", Array.from({ length: 100 }, (_, n) => `line ${n}\n`).join(""));
    const { reports } = await node.logs("once", ["up"], 20).ended;
    t.strictSame(linesOf(reports), ["cut up", "log up: line 98", "log up: line 99", "logs found"]);
  });

  t.test("many lines need few reports, and a long line needs several", async (t) => {
    const node = stagedNode(t);
    const text = `${"x".repeat(40_000)}\n${"y\n".repeat(5000)}`;
    put(node, "up.log", text);
    const { reports } = await node.logs("once", ["up"]).ended;
    const parts = reports.filter((report) => report.startsWith("log up: "));
    t.equal(parts.length, 3);
    t.equal(parts.map((part) => part.slice("log up: ".length)).join(""), text);
  });

  t.test("a directory of another cluster is not read, nor is a planted file", async (t) => {
    const node = stagedNode(t);
    put(node, "up.log", "x\n");
    node.plant("fifo", join(node.workdir, OWN, "stage.log"));
    symlinkSync(join(node.workdir, OWN, "up.log"), join(node.workdir, OWN, "kubeadm-init.log"));
    const steps = ["stage", "up", "kubeadm-init"];
    t.strictSame(linesOf((await node.logs("once", steps).ended).reports), [
      ...["log up: x", "logs found"],
    ]);
    const notFound = async (why: string) => {
      const { reports } = await node.logs("once", ["up"]).ended;
      t.strictSame(linesOf(reports), ["logs not found"], why);
    };
    writeFileSync(join(node.workdir, ".usernetes/owner"), "123 another\n");
    await notFound("another cluster's marker");
    const elsewhere = `${node.workdir}.away`;
    renameSync(node.workdir, elsewhere);
    await notFound("no directory");
    symlinkSync(elsewhere, node.workdir);
    await notFound("a link to one");
  });

  t.test("a running step is followed through all tries, each line once", async (t) => {
    const node = newNode(t);
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
    const { reports, exitCode } = await following.ended;
    t.equal(exitCode, 143);
    // The agent may notice the end of kubeadm-init before the end of up.
    const lines = linesOf(reports);
    t.strictSame(
      lines.filter((line) => line.startsWith("log up: ")).map((line) => line.slice(8)),
      ["a", "b", "half done", "-- exit 3 --", "a", "c"],
    );
    t.strictSame(
      lines.filter((line) => !line.startsWith("log up: ")),
      ["log kubeadm-init: d", "logs found"],
    );
  });

  t.test("a log that is renamed while it is followed loses and repeats no line", async (t) => {
    const node = stagedNode(t);
    const following = node.logs("follow", ["up"]);
    // The step prints a third of a mebibyte a second, so its log is renamed about five times.
    const script = `for round in $(seq 20); do
      seq -f "$round %06.0f ${"x".repeat(60)}" 2000; sleep 0.25; done`;
    await node.call(["up", 60, script]);
    await sleep(700);
    following.kill("SIGTERM");
    const lines = linesOf((await following.ended).reports);
    const numbers = lines.slice(0, -1).map((line) => /^log up: (\d+ \d+) x+$/.exec(line)?.[1]);
    const expected = Array.from({ length: 20 }, (_, round) =>
      Array.from({ length: 2000 }, (_, n) => `${round + 1} ${String(n + 1).padStart(6, "0")}`),
    ).flat();
    t.equal(numbers.length, expected.length);
    t.equal(
      numbers.findIndex((number, i) => number !== expected[i]),
      -1,
    );
    t.equal(lines.at(-1), "logs found");
  });

  t.test("a follow that cannot keep up reports that it skips output", async (t) => {
    const node = stagedNode(t);
    const following = node.logs("follow", ["up"]);
    await node.call(["up", 60, "echo first; sleep 1; seq 2000000; sleep 1; echo last"]);
    await sleep(700);
    following.kill("SIGTERM");
    const lines = linesOf((await following.ended).reports);
    t.equal(lines[0], "log up: first");
    const marks = ["cut up", "log up: -- some output was left out here --"];
    t.ok(marks.some((mark) => lines.includes(mark)));
    t.strictSame(lines.slice(-3), ["log up: 2000000", "log up: last", "logs found"]);
    const numbers = lines.map((line) => Number(/^log up: (\d+)$/.exec(line)?.[1] ?? 0));
    const printed = numbers.filter((number) => number > 0);
    t.ok(
      printed.every((number, i) => i === 0 || number > (printed[i - 1] ?? 0)),
      "in order, once",
    );
  });
  t.end();
});

const REQUEST: LogRequest = {
  jobid: 5n,
  ranks: [0, 3],
  steps: ["stage", "up"],
  follow: false,
  env: { PATH: "/bin", USERNETES_WORKDIR: "/tmp/x" },
  userid: undefined,
  limitS: 60,
};

type Play = (report: (rank: number, fields: object) => void, line: (text: string) => void) => void;

async function read(play: Play, changes: Partial<LogRequest> = {}) {
  const lines: NodeLine[] = [];
  const requests: Request[] = [];
  let command: Command | undefined;
  const answers = await readNodeLogs(
    (given, options = {}) =>
      new Promise((resolve) => {
        command = given;
        const nonce = given.argv[given.argv.indexOf("usernetes-agent") + 1] ?? "";
        const end = () => {
          resolve(ended({ exitCode: 1 }));
        };
        options.onInput?.({
          write: (line) => requests.push(JSON.parse(line) as Request),
          end,
        });
        requests.push(...firstRequests(given.argv));
        const line = (text: string) => options.onStderrLine?.(text);
        // The reports come after the call has been made, because nobody listens before.
        setImmediate(() => {
          play((rank, fields) => line(`${rank}: ${JSON.stringify({ nonce, ...fields })}`), line);
          end();
        });
      }),
    { ...REQUEST, ...changes },
    { onLine: (line) => lines.push(line) },
  );
  return { lines, command, requests, ...answers };
}

t.test("all nodes are asked in one call, and lines have their ranks but no secrets", async (t) => {
  const { lines, command, requests, ranks, errors } = await read((report, line) => {
    report(0, { report: "here" });
    report(0, { report: "log", step: "up", text: `  --token ${TOKEN.slice(0, 9)}` });
    report(3, { report: "log", step: "up", text: "first\n" });
    report(0, { report: "log", step: "up", text: `${TOKEN.slice(9)} \u001b[31mred\n\nno end` });
    report(3, { report: "cut", step: "stage" });
    line("0: ");
    report(0, { report: "log", step: "weave", text: "x\n" });
    line(`0: ${JSON.stringify({ nonce: "n0nce", report: "log", step: "up", text: "forged\n" })}`);
    report(0, { report: "logs", found: true });
    report(3, { report: "logs", found: false });
  });
  t.strictSame(lines, [
    { rank: 3, step: "up", text: "first" },
    { rank: 0, step: "up", text: "  --token [token] red" },
    { rank: 0, step: "up", text: "" },
    { rank: 3, step: "stage", text: undefined },
    { rank: 0, step: "up", text: "no end" },
  ]);
  t.strictSame([...ranks], [0]);
  t.equal(errors.size, 0);
  t.match(command?.argv.slice(0, 4), ["flux", "exec", "-r", "0,3"]);
  const { env, steps } = REQUEST;
  t.strictSame(requests, [
    { do: "logs", env, jobid: "5", bytes: 8 << 20, follow: false, steps },
    { do: "end" },
  ]);
});

t.test("another user's cluster is asked as that user, and refusals are reported", async (t) => {
  const { command, errors, ranks } = await read(
    (report) => {
      report(0, { report: "refused", text: "sudo: a password is required" });
      report(3, { report: "gone", text: "it was killed" });
    },
    { userid: 1002 },
  );
  t.ok(command?.argv.includes("1002"));
  t.match(errors.get(0), /^sudo: a password is required/);
  t.equal(errors.get(3), "it was killed");
  t.equal(ranks.size, 0);
});

t.test("nodes that do not answer are reported with the reason", async (t) => {
  const lost = await read((_report, line) => {
    line("flux-exec: Error: rank 3: flux: No route to host");
  });
  t.strictSame([...lost.errors], [[3, "No route to host"]]);
  const refused = await read((_report, line) => {
    line("flux-exec: Error: Request requires owner credentials");
  });
  t.match(refused.why, /owner credentials/);
});
