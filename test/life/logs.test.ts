/** `flux usernetes logs`: the steps' output, during the cluster's life and after it. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { decodeIdset } from "../../lib/flux/idset.js";
import { TOKEN } from "../fakes/playing-run.js";
import { life } from "./life.js";

/** The processes on all hosts that still follow the logs of a job. */
const followers = (jobid: string) =>
  readdirSync("/proc")
    .filter((name) => /^[0-9]+$/.test(name))
    .filter((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
        return words.includes(jobid) && words.includes("follow");
      } catch {
        return false;
      }
    });

life(async (t, flux) => {
  const logs = (...args: string[]) => flux.run(["flux", "usernetes", "logs", ...args]);
  const count = (text: string, line: string) =>
    text.split("\n").filter((each) => each === line).length;
  /** How often a rank's line is printed. Ranks with the same line may share a printed line. */
  const printed = (text: string, rank: number, line: string) =>
    text.split("\n").filter((each) => {
      const [, ranks = ""] = /^([0-9,-]+): (.*)$/.exec(each) ?? [];
      return each.endsWith(`: ${line}`) && decodeIdset(ranks).includes(rank);
    }).length;
  // Each step prints a line that is the same on all nodes, and a line that differs.
  const template = flux.template(`host=$(hostname)
echo "$target begins"
echo "  $target on $host"
case $target in
  kubeadm-join) echo "+ kubeadm join --token ${TOKEN}"; cat join-command ;;
  up) for n in 1 2 3 4 5 6 7 8; do echo "layer $n"; done ;;
esac
if [ "$(cat "$TESTBED/fails")" = "$host $target" ]; then
  echo "no luck on $host"
  case $target in kubeadm-join) : >"$TESTBED/fails" ;; esac
  exit 3
fi
played`);
  const fails = (what: string) => {
    writeFileSync(join(flux.place.testbed, "fails"), what);
  };
  await flux.startDaemon("--config", flux.table('ready = "dns"\n', { template }));
  let job = "";

  await t.test("--follow prints new output once, until the bring-up has ended", async (t) => {
    fails("node1 kubeadm-join");
    flux.takes("up", 2);
    job = await flux.submit("-N3", "sleep", "300");
    const cut = ["timeout", "-s", "INT", "2", "flux", "usernetes", "logs", "-f", "-s", "up", job];
    const [stopped, { stdout, stderr, exitCode }] = await Promise.all([
      flux.run(cut),
      logs("--follow", job),
    ]);
    t.match(stopped, { stderr: "" }, "Ctrl-C ends it without a word");
    const id = await flux.output("flux", "job", "id", job);
    for (let n = 0; followers(id).length > 0 && n < 50; n++)
      await new Promise((resolve) => setTimeout(resolve, 100));
    t.strictSame(followers(id), [], "and on the nodes");
    t.equal(exitCode, 0, stderr);
    t.ok((await flux.record(job)).some(({ name }) => name === "settle"));
    for (const rank of [0, 1, 2]) {
      t.equal(count(stdout, `${rank}:   up on node${rank}`), 1, stdout);
      t.equal(printed(stdout, rank, "layer 8"), 1);
    }
    t.equal(count(stdout, "1:   kubeadm-join on node1"), 2, "both tries");
    t.equal(count(stdout, "1: no luck on node1"), 1);
    t.match(stdout, /^==> wait-ready <==\n0: /m);
    t.match(stdout, "1: + kubeadm join --token [token]\n");
    t.notMatch(stdout, TOKEN);
    flux.takes("up", 0.1);
  });

  await t.test("the complete logs of a cluster come from its nodes", async (t) => {
    const { stdout, stderr, exitCode } = await logs(job);
    t.equal(exitCode, 0, stderr);
    t.equal(stderr, "");
    const up = ["0-2: up begins", "0:   up on node0", "1:   up on node1", "2:   up on node2"];
    t.match(stdout, `==> up <==\n${[...up, "0-2: layer 1", "0-2: layer 2"].join("\n")}\n`);
    t.match(stdout, "==> kubeadm-init <==\n0: kubeadm-init begins\n0:   kubeadm-init on node0\n");
    t.match(stdout, "1-2: + kubeadm join --token [token]\n");
    t.match(stdout, "\n1: -- exit 2 --\n", "what a try ended with");
    t.notMatch(stdout, TOKEN);
    const json = await logs("--json", "--rank=0,2", "--step=up", job);
    const objects = json.stdout.trimEnd().split("\n");
    t.match(
      objects.map((line) => JSON.parse(line) as unknown),
      [
        { step: "up", ranks: "0,2", line: "up begins" },
        { step: "up", ranks: "0", line: "  up on node0" },
        { step: "up", ranks: "2", line: "  up on node2" },
      ],
    );
    t.equal(objects.length, 11);
  });

  await t.test("the last lines of each try are saved, and its user can read them", async (t) => {
    await flux.flux("cancel", job);
    await flux.waitForEnd(job);
    const { stdout, stderr, exitCode } = await logs(job);
    t.equal(exitCode, 0, stderr);
    t.equal(stderr, "");
    t.match(stdout, "==> up, try 1: ok on 0-2 <==\n0-2: layer 5\n");
    t.notMatch(stdout, "layer 4");
    t.match(stdout, "==> kubeadm-join, try 1: failed on 1: exit 2: no luck on node1 <==\n1: ");
    t.match(stdout, "\n1: no luck on node1\n1: make: ***");
    t.match(stdout, "==> kubeadm-join, try 2: ok on 1 <==\n");
    t.match(stdout, "==> down-v, try 1: ok on 0-2 <==\n");
    t.notMatch(stdout, TOKEN);
    const one = await logs("-r1", "-s", "up", job);
    t.match(one.stdout, /^==> up, try 1: ok on 1 <==\n1: layer 5\n/);
    t.equal(one.stdout.split("\n").length, 6);
    const kept = await flux.output("flux", "job", "info", job, "usernetes.log.kubeadm-join");
    t.match(kept, "==> try 1: failed on 1: exit 2: no luck on node1 <==\n1: ");
    t.notMatch(kept, TOKEN);
    if (flux.kind === "embedded") {
      const guest = { SANDBOX_USER: "12345" };
      const other = await flux.run(["flux", "usernetes", "logs", job], guest);
      t.match(other, { exitCode: 1, stdout: "", stderr: /another user's/ });
    }
  });

  await t.test("--follow of a failed cluster shows the failure", async (t) => {
    fails("node0 kubeadm-init");
    job = await flux.submit("-N2", "true");
    const { stdout, exitCode } = await logs("--follow", "--step", "kubeadm-init", job);
    t.equal(exitCode, 0);
    // The teardown may remove the work directory before the second try's output is read.
    t.ok(count(stdout, "0: no luck on node0") >= 1, stdout);
    await flux.waitForEnd(job);
    for (const attempt of [1, 2])
      t.match(
        (await logs("-f", job)).stdout,
        `==> kubeadm-init, try ${attempt}: failed on 0: exit 2: `,
      );
  });

  await t.test("an error prints one line", async (t) => {
    const other = await flux.output("flux", "submit", "true");
    for (const [exitCode, words, ...args] of [
      [1, /there is no job/, "12345"],
      [1, /it did not ask for a cluster/, "-f", other],
      [2, /--step: found "weave", allowed: stage, before-up, .*, down-v$/m, "-s", "weave", job],
      [2, /--rank: found "3", allowed: 0-1, the ranks of the cluster$/m, "-r", "1,3", job],
      [1, /no saved logs/, "-s", "publish-join", job],
    ] as const) {
      const answer = await logs(...args);
      t.match(answer, { exitCode, stdout: "" });
      t.match(answer.stderr, words);
      t.equal(answer.stderr.trimEnd().split("\n").length, 1, answer.stderr);
    }
  });
});
