/** The log of a whole life, line by line: `flux dmesg` shows these lines and no others. */
import t from "tap";
import { Life, type LifeOptions } from "../fakes/life.js";
import type { Play } from "../fakes/playing-run.js";

/** The log lines at info and above, without the cluster's name and times. */
const reported = ({ printed: logged }: Life) =>
  logged
    .filter((line) => !/^(trace|debug): /.test(line))
    .map((line) =>
      line
        .replace("ƒ2QT1HSJy5: ", "")
        .replace(/^info: /, "")
        .replace(/ in [0-9.]+ s/, ""),
    );

async function started(options: LifeOptions = {}, play: Play = () => undefined): Promise<Life> {
  const life = new Life({ ranks: [0, 1], ...options });
  life.nodes.play = play;
  return life.alloc();
}

const PREPARED = [
  "claim: ranks 0-1, lead node0 (rank 0), docker",
  "stage, up: begins on node[0-1] (rank 0-1)",
  "stage: node[0-1] (rank 0-1): ok",
  "up: node[0-1] (rank 0-1): ok",
];
const TAKEN_DOWN = [
  "down-v: begins on node[0-1] (rank 0-1)",
  "down-v: node[0-1] (rank 0-1): ok",
  "down: nothing is left",
];

t.test("a successful life is logged, with a step that is tried again", async (t) => {
  const life = await started({ duration: 60 }, (step, _, attempt) =>
    step === "kubeadm-join" && attempt === 1 ? { exit: 2, tail: ["no luck"] } : undefined,
  );
  await life.untilStarted();
  life.job.finish();
  await life.untilClean();
  const lines = reported(life);
  t.strictSame(lines.slice(0, 2), ["kept from starting until its cluster is ready", PREPARED[0]]);
  t.strictSame(
    [...lines].sort(),
    [
      "kept from starting until its cluster is ready",
      ...PREPARED,
      "kubeadm-init, join-command, kubeconfig: begins on node0 (rank 0)",
      ...["kubeadm-init", "kubeconfig", "join-command"].map(
        (step) => `${step}: node0 (rank 0): ok`,
      ),
      "publish-join: node0 (rank 0): ok",
      "fetch-join, kubeadm-join: begins on node1 (rank 1)",
      "fetch-join: node1 (rank 1): ok",
      "error: kubeadm-join: node1 (rank 1): failed: exit 2: no luck",
      "kubeadm-join: begins on node1 (rank 1), try 2",
      "kubeadm-join: node1 (rank 1): ok (try 2)",
      "remove-archive: node0 (rank 0): ok",
      "sync-external-ip, install-flannel, delete-token, wait-nodes, wait-ready: begins on node0 (rank 0)",
      ...["sync-external-ip", "install-flannel", "delete-token", "wait-nodes", "wait-ready"].map(
        (step) => `${step}: node0 (rank 0): ok`,
      ),
      "settle: ready",
      "time limit extended to 62 s to make up for the hold",
      "the job has started",
      "teardown: finish",
      ...TAKEN_DOWN,
      "nodes released",
    ].sort(),
  );
  t.strictSame(lines.slice(-6), [
    "the job has started",
    "teardown: finish",
    ...TAKEN_DOWN,
    "nodes released",
  ]);
  t.ok(lines.indexOf("settle: ready") < lines.indexOf("the job has started"));
});

t.test("a failed bring-up is logged with its reason", async (t) => {
  const life = await started({}, (step, rank) =>
    step === "kubeadm-init" && rank === 0 ? { exit: 2, tail: ["no luck"] } : undefined,
  );
  await life.untilClean();
  const note = "kubeadm-init failed on node0 (rank 0) (2 tries): exit 2: no luck";
  t.strictSame(reported(life), [
    "kept from starting until its cluster is ready",
    ...PREPARED,
    "kubeadm-init, join-command, kubeconfig: begins on node0 (rank 0)",
    "error: kubeadm-init: node0 (rank 0): failed: exit 2: no luck",
    "kubeadm-init, join-command, kubeconfig: begins on node0 (rank 0), try 2",
    "error: kubeadm-init: node0 (rank 0): failed (try 2): exit 2: no luck",
    `error: settle: failed: ${note}`,
    `teardown: usernetes: ${note}`,
    ...TAKEN_DOWN,
    "nodes released",
  ]);
});

t.test(
  "ranks with the same result share a log line, but do not wait long for each other",
  async (t) => {
    const ranks = Array.from({ length: 200 }, (_, rank) => rank);
    const stops = (rank: number) =>
      rank === 7 ? { seconds: 3, exit: 2, tail: ["no disk"] } : { seconds: 9 };
    const life = await started({ ranks, config: { attempts: { up: 1 } } }, (step, rank) => {
      if (step === "stage") return rank === 9 ? { seconds: 60 } : { seconds: rank / 200 };
      return step === "up" ? stops(rank) : undefined;
    });
    const begunAt = life.clock.now();
    const at = (words: string): number => life.printed.findIndex((line) => line.includes(words));
    await life.until(() => at("stage: node[0-8,10-199] (rank 0-8,10-199): ok in 0.995 s") >= 0);
    t.ok(life.clock.now() < begunAt + 3, "the straggler is not waited for");
    await life.untilClean();
    t.ok(
      at("up: node[0-6,8,10-199] (rank 0-6,8,10-199): ok") < 0,
      "what is stopped did not end well",
    );
    const failed = at("error: ƒ2QT1HSJy5: up: node7 (rank 7): failed: exit 2: no disk");
    t.ok(failed >= 0 && failed < at("settle: failed"), "logged before its consequence");
    t.ok(reported(life).length < 25, reported(life).join("\n"));
  },
);

t.test("a job is logged as held for debugging, released and canceled", async (t) => {
  const life = await started({ user: { usernetes: "yes", usernetes_debug: "yes" } });
  const is = (words: string) => reported(life).includes(words);
  await life.until(() => is("held for debugging, until it is released"));
  t.notOk(is("the job has started"));
  life.job.append("memo", { usernetes: { release: "true" } });
  await life.untilStarted();
  life.job.endsWhenKilled = false;
  life.job.exception("cancel", 0, "enough");
  await life.until(() => is("cancel: enough; terminating its tasks"));
  t.ok(reported(life).indexOf("released") < reported(life).indexOf("the job has started"));
  life.job.append("finish", { status: 15 });
  await life.until(() => reported(life).some((line) => line.startsWith("kept for debugging")));
});

t.test("a daemon that resumes a cluster logs its state, but no earlier events", async (t) => {
  const life = await started();
  await life.untilStarted();
  await life.restart();
  life.job.finish();
  await life.untilClean();
  const lines = reported(life);
  t.ok(lines.includes("resuming (state: ready)"), lines.join("\n"));
  for (const words of ["kept from starting until its cluster is ready", "the job has started"])
    t.equal(lines.filter((line) => line === words).length, 1, words);
});

t.test("a teardown that could not hold the nodes is logged as late", async (t) => {
  const life = await started();
  await life.untilStarted();
  life.job.append("finish", { status: 0 });
  life.job.append("clean");
  await life.untilClean();
  t.strictSame(reported(life).slice(-5), [
    "late epilog: job is inactive; teardown continues on nodes that Flux has already released",
    "teardown: finish",
    ...TAKEN_DOWN,
  ]);
});

t.test("the log names the prolog that the job waits for, and a late hold", async (t) => {
  const life = new Life({ ranks: [0, 1] });
  await life.begin();
  life.job.append("prolog-start", { description: "site" });
  life.job.alloc();
  const words = "ready; waiting for another prolog: site";
  await life.until(() => reported(life).includes(words));
  life.job.append("prolog-finish", { description: "site" });
  await life.untilStarted();
  t.ok(reported(life).indexOf(words) < reported(life).indexOf("the job has started"));
  const late = new Life({ ranks: [0, 1] });
  late.job.lateHold = true;
  await late.alloc();
  await late.until(() => reported(late).includes("settle: ready"));
  t.ok(reported(late).includes("hold came too late; the shell plugin delays the tasks instead"));
  t.notOk(reported(late).includes("kept from starting until its cluster is ready"));
});

t.test(
  "a job whose shell waited has no late epilog, unless the shell stopped waiting",
  async (t) => {
    const late = "late epilog: Flux released the nodes before the teardown had ended";
    for (const gaveUp of [false, true]) {
      const life = await started();
      await life.untilStarted();
      life.job.tasksDone();
      life.job.append("finish", { status: 0 });
      for (const name of ["free", "clean"]) life.job.append(name);
      if (gaveUp) life.clock.advance(1);
      await life.untilClean();
      t.equal(reported(life).includes(late), gaveUp);
      t.notOk(reported(life).some((line) => line.includes("teardown continues")));
    }
  },
);
