/** The output of the steps, from the nodes to the KVS, during a cluster's whole life. */
import t from "tap";
import { logsKey } from "../../lib/record/step-logs.js";
import { parseTails } from "../../lib/record/step-tails.js";
import { joined } from "../../lib/view/saved-logs.js";
import { JOBID, Life, type LifeOptions } from "../fakes/life.js";
import { TOKEN, type Play } from "../fakes/playing-run.js";

const kept = ({ flux }: Life, step: string) => flux.kvs.get(`${logsKey(JOBID)}.${step}`) ?? "";
const commits = ({ flux }: Life) => flux.requests.filter((line) => line.startsWith("commit"));

const CHATTY: Play = (step, rank, attempt) => ({
  tail: [`${step} begins`, `on node${rank}`, `--token ${TOKEN}`],
  ...(step === "kubeadm-join" && rank === 2 && attempt === 1 ? { exit: 2 } : {}),
});

async function live(play: Play, options: LifeOptions = {}): Promise<Life> {
  const life = new Life(options);
  life.nodes.play = play;
  await life.alloc();
  await life.untilStarted();
  life.job.finish();
  await life.untilClean();
  return life;
}

t.test("each step's last lines are saved once for many ranks, without secrets", async (t) => {
  const life = await live(CHATTY);
  t.equal(
    kept(life, "up"),
    "==> try 1: ok on 0-2 <==\n0-2: up begins\n0: on node0\n1: on node1\n2: on node2\n0-2: --token [token]\n",
  );
  t.match(kept(life, "kubeadm-join"), "==> try 1: failed on 2: exit 2: --token [token] <==\n2: ");
  t.match(kept(life, "kubeadm-join"), "==> try 2: ok on 2 <==\n2: ");
  t.match(kept(life, "down-v"), "==> try 1: ok on 0-2 <==\n");
  const lines = life.printed.filter((line) => line.startsWith("debug: "));
  t.ok(
    lines.every((line) => line.includes("kubeadm-join: rank 2: ")),
    "and not in the log",
  );
  t.notMatch([...life.flux.kvs].join("\n").replaceAll(/archive\..*/g, ""), TOKEN);
});

t.test("saved output needs no commit or query of its own", async (t) => {
  const silent = await live((step, rank, attempt) => {
    const { exit } = CHATTY(step, rank, attempt) ?? {};
    return exit === undefined ? {} : { exit };
  });
  const chatty = await live(CHATTY);
  t.equal(commits(chatty).length, commits(silent).length);
  const looks = chatty.flux.requests.filter((line) => /^lookup .*usernetes\.log/.test(line));
  t.strictSame(looks, []);
  for (const commit of commits(chatty).filter((line) => line.includes("usernetes.log")))
    t.match(commit, "usernetes.eventlog");
});

t.test("output is saved once, even if a commit was not confirmed", async (t) => {
  const life = new Life();
  life.nodes.play = CHATTY;
  let lost = 0;
  life.flux.onCommit = (words) => {
    if (!words.includes("usernetes.log.up") || lost++ > 0) return;
    throw new Error("the bridge ended");
  };
  await life.alloc();
  await life.untilStarted();
  life.job.finish();
  await life.untilClean();
  t.ok(lost > 1, "it was written again");
  const tails = parseTails(kept(life, "up"));
  t.ok(tails.length > 1);
  const logs = joined("up", tails);
  t.equal(logs.length, 1);
  t.strictSame(logs[0]?.lines.get(1), ["up begins", "on node1", "--token [token]"]);
});

t.test("a restarted daemon continues in the same text without repeats", async (t) => {
  const life = new Life();
  life.nodes.play = (step, rank, attempt) =>
    step === "kubeadm-join" ? { hangs: true } : CHATTY(step, rank, attempt);
  await life.alloc();
  const joins = () => life.nodes.started.includes("kubeadm-join 1");
  await life.until(() => joins() && kept(life, "up") !== "");
  const before = kept(life, "up");
  life.nodes.play = CHATTY;
  await life.restart();
  await life.untilStarted();
  t.equal(kept(life, "up"), before);
  t.match(joined("kubeadm-join", parseTails(kept(life, "kubeadm-join"))), [
    { attempt: 1, status: "ok" },
  ]);
  life.job.finish();
  await life.untilClean();
});

for (const [when, words] of [
  ["before", "before its teardown is written"],
  ["after", "at the moment its teardown is written"],
] as const)
  t.test(`no record remains of a job that is purged ${words}`, async (t) => {
    const life = await new Life({ user: { usernetes: "yes" } }).alloc();
    await life.untilStarted();
    // The job is inactive during its teardown, because its epilog came too late.
    life.reconciler.onJobEvent({ timestamp: life.clock.now(), name: "clean" });
    const purge = () => {
      for (const key of [...life.flux.kvs.keys()])
        if (key.startsWith("job.") && !(when === "after" && key.endsWith("usernetes.eventlog")))
          life.flux.kvs.delete(key);
    };
    if (when === "before") purge();
    else
      life.flux.onCommit = (operations) => {
        if (operations.includes("append")) purge();
      };
    await life.until(() => life.done);
    await life.quiet();
    const unlinked = life.flux.requests.filter((request) =>
      /unlink job\.[0-9a-f.]+$/.test(request),
    );
    const kept = [...life.flux.kvs.keys()].filter((key) => key.startsWith("job."));
    if (when === "before") t.strictSame(kept, []);
    else t.ok(unlinked.length > 0, "the whole directory");
    t.strictSame(
      [...life.flux.kvs.keys()].filter((key) => key.startsWith("usernetes.")),
      [],
    );
  });

t.test("nothing is written for a job that Flux has purged", async (t) => {
  const life = new Life();
  life.nodes.play = CHATTY;
  await life.alloc();
  await life.untilStarted();
  for (const key of [...life.flux.kvs.keys()])
    if (key.startsWith("job.")) life.flux.kvs.delete(key);
  life.reconciler.leave();
  const purged = life.newReconciler();
  await purged.load();
  const entry = life.flux.kvs.get(`usernetes.cluster.${JOBID}`) ?? "{}";
  purged.cluster.claim = (JSON.parse(entry) as { claim: never }).claim;
  purged.cluster.job.clean = true;
  purged.kick();
  await life.until(() => life.done);
  t.strictSame(
    [...life.flux.kvs.keys()].filter((key) => key.startsWith("job.")),
    [],
  );
});
