/** Clusters of ended jobs, and work directories without a record, are taken down. */
import t from "tap";
import { kvsDirectory } from "../../lib/flux/jobid.js";
import { entryKey, recordKey, type OpenCluster } from "../../lib/record/writer.js";
import { Leftovers } from "../../plugin/leftovers.js";
import { type Cleaned } from "../../plugin/foreign-workdirs.js";
import { Supervisor } from "../../plugin/supervisor.js";
import { claimOf } from "../fakes/clusters.js";
import { JOBID, Life, OWNER } from "../fakes/life.js";

const NO_KVS = { list: () => Promise.resolve([]), lookup: () => Promise.resolve(undefined) };
const STRAY = `${OWNER} ${JOBID} podman`;

/** Leftovers in a life's world. Teardowns are recorded and do not run. */
function leftovers(active: bigint[] = []) {
  const life = new Life();
  const taken: OpenCluster[] = [];
  const tested = new Leftovers(() => life.world, NO_KVS, {
    isActive: (jobid) => active.includes(jobid),
    userOf: (jobid) => (active.includes(jobid) ? OWNER : undefined),
    takeDown: (entry): Promise<Cleaned> => {
      taken.push(entry);
      return Promise.resolve({ jobid: entry.jobid, left: "", where: "", note: "" });
    },
  });
  life.world.nodes.set([0, 1, 2]);
  return { life, taken, tested };
}

t.test(
  "a work directory without job and record is torn down on the ranks that have it",
  async (t) => {
    const { life, taken, tested } = leftovers();
    life.nodes.workdirs = (rank) => (rank > 0 ? [STRAY] : []);
    await tested.takeAll();
    t.match(taken, [
      {
        jobid: String(JOBID),
        left: [1, 2],
        claim: {
          ...{ ranks: "1-2", lead: 1, hosts: ["node1", "node2"], engine: "podman" },
          ...{ workdir: "/tmp/usernetes-ƒ2qt1hsjy5", project: "usernetes-2qt1hsjy5" },
        },
      },
    ]);
    t.equal(taken.length, 1);
    t.ok(
      life.printed.includes(
        "warn: ƒ2QT1HSJy5: orphaned cluster: its job no longer exists: ranks 1-2",
      ),
    );
  },
);

t.test("a work directory has the site's variables that its teardown needs", async (t) => {
  const { life, taken, tested } = leftovers();
  life.nodes.workdirs = (rank) => (rank > 0 ? [`${STRAY}${rank === 2 ? " STORE=/x" : ""}`] : []);
  await tested.takeAll();
  t.match(taken, [{ setting: { options: { environment: { STORE: "/x" } } } }]);
  // The directory's owner may have set this variable, which names another cluster's project.
  const other = leftovers();
  other.life.nodes.workdirs = (rank) => (rank > 0 ? [`${STRAY} USERNETES_PROJECT=x`] : []);
  await other.tested.takeAll();
  t.strictSame(other.taken[0]?.setting, undefined);
});

t.test("a work directory of an active job, or with an entry, is not touched", async (t) => {
  const { life, taken, tested } = leftovers([JOBID]);
  life.nodes.workdirs = () => [STRAY];
  await tested.takeAll();
  t.strictSame(taken, []);
  const other = leftovers();
  other.life.nodes.workdirs = () => [STRAY];
  other.life.world.open.add({ jobid: String(JOBID), claim: claimOf("0-2", []), left: [] });
  await other.tested.takeAll();
  t.strictSame(other.taken, [], "its teardown continues elsewhere");
});

t.test("a node is searched once, and again when it returns", async (t) => {
  const { life, tested } = leftovers();
  await tested.takeAll();
  await tested.takeAll();
  t.strictSame(life.nodes.commands, ["find on 0-2"]);
  life.world.nodes.set([0, 1]);
  await tested.takeAll();
  life.world.nodes.set([0, 1, 2]);
  await tested.takeAll();
  t.strictSame(life.nodes.commands, ["find on 0-2", "find on 2"]);
});

t.test("a node that does not answer is reported and searched again", async (t) => {
  const { life, tested } = leftovers();
  life.nodes.workdirs = (rank) => (rank === 1 ? undefined : []);
  await tested.takeAll();
  t.ok(life.printed.includes("warn: cannot check ranks 1 for leftovers"));
  await tested.takeAll();
  t.strictSame(life.nodes.commands, ["find on 0-2", "find on 1"]);
});

t.test("an invalid job ID makes no cluster", async (t) => {
  const { life, taken, tested } = leftovers();
  life.nodes.workdirs = () => [
    "500 x docker",
    "500 -1 docker",
    "",
    "500 ../1 docker",
    "x 1 docker",
    "500 99999999999999999999 docker",
  ];
  await tested.takeAll();
  t.strictSame(taken, []);
});

t.test(
  "clean alone removes clusters that are kept for debugging, and the instance's",
  async (t) => {
    const { life, taken, tested } = leftovers();
    const claim = claimOf("0-2", ["a", "b", "c"]);
    life.world.open.add({ jobid: "1", claim, left: [0, 1, 2], kept: true });
    life.world.open.add({ jobid: "0", claim });
    await tested.takeAll();
    t.strictSame(taken, []);
    t.match(await tested.clean("all"), [{ jobid: "1" }]);
    t.equal(taken.length, 1);
  },
);

t.test("clean refuses a job that is active", async (t) => {
  const { tested } = leftovers([JOBID]);
  await t.rejects(tested.clean(JOBID), { errno: 16, message: /^job ƒ2QT1HSJy5 is active/ });
  t.strictSame(await tested.clean("all"), []);
});

t.test("clean takes down one job's cluster, or all", async (t) => {
  const { life, taken, tested } = leftovers();
  for (const id of [1n, 2n])
    life.world.open.add({ jobid: String(id), claim: claimOf("0-2", ["a", "b", "c"]), left: [0] });
  life.nodes.workdirs = (rank) => (rank === 2 ? [STRAY] : []);
  t.match(await tested.clean(1n), [{ jobid: "1" }]);
  t.match(await tested.clean(JOBID), [{ jobid: String(JOBID) }]);
  t.strictSame(await tested.clean(99n), []);
  t.equal((await tested.clean("all")).length, 3);
  t.equal(taken.length, 5);
});

/** A supervisor in a world whose KVS does not have the job any more. */
function gone(life: Life) {
  const directory = kvsDirectory(life.jobid);
  for (const key of [...life.flux.kvs.keys()])
    if (key.startsWith(directory)) life.flux.kvs.delete(key);
  const supervisor = new Supervisor(() => life.world, NO_KVS, {});
  return supervisor;
}

t.test("an unrecorded cluster is removed without a record in a missing directory", async (t) => {
  const life = new Life();
  const supervisor = gone(life);
  life.world.nodes.set([0, 1, 2]);
  life.nodes.workdirs = (rank) => (rank === 2 ? [STRAY] : []);
  await supervisor.onSentinel();
  await life.until(() => life.printed.includes("debug: ƒ2QT1HSJy5: forgotten"));
  t.strictSame(life.nodes.commands, ["find on 0-2", "exec 2: down-v"]);
  t.match(life.nodes.environments.at(-1), { CONTAINER_ENGINE: "podman" });
  t.strictSame([...life.flux.kvs.keys()], []);
});

t.test("leftovers of an unrecorded cluster become an entry", async (t) => {
  const life = new Life();
  const supervisor = gone(life);
  life.world.nodes.set([0, 1, 2]);
  life.nodes.workdirs = (rank) => (rank === 2 ? [STRAY] : []);
  life.nodes.play = () => ({ exit: 1, tail: ["left behind: container x,"] });
  const cleaned = supervisor.onSentinel().then(() => supervisor.leftovers.clean("all"));
  await life.until(() => life.printed.includes("debug: ƒ2QT1HSJy5: forgotten"));
  t.match(await cleaned, [
    {
      jobid: String(JOBID),
      left: "2",
      where: "node2 (rank 2)",
      note: "exit 1: left behind: container x,",
    },
  ]);
  t.match(JSON.parse(life.flux.kvs.get(entryKey(JOBID)) ?? "{}"), { left: [2] });
  t.equal(life.flux.kvs.get(recordKey(JOBID)), undefined);
});

t.test(
  "another user's directory is torn down as that user, and nothing else is done",
  async (t) => {
    const { life, taken, tested } = leftovers();
    life.nodes.workdirs = (rank) => (rank > 0 ? [`1002 ${JOBID} podman`] : []);
    t.match(await tested.clean("all"), [{ jobid: String(JOBID), left: "", note: "" }]);
    t.strictSame(taken, [], "no record, no entry");
    t.strictSame(life.nodes.commands, ["find on 0-2", "exec 1-2: down-v"]);
    t.strictSame(life.nodes.users, ["1002"]);
    t.match(life.nodes.environments, [
      { USERNETES_ENGINE: "podman", USERNETES_PROJECT: "usernetes-2qt1hsjy5" },
    ]);
    t.strictSame(life.world.open.all(), []);
  },
);

t.test(
  "an active job protects its user's directory, and no other user's with its ID",
  async (t) => {
    const { life, taken, tested } = leftovers([JOBID]);
    life.nodes.workdirs = (rank) =>
      rank === 0 ? [STRAY] : [`1002 ${JOBID} docker`, `1003 ${JOBID} docker`];
    await tested.takeAll();
    await life.quiet();
    t.strictSame(taken, []);
    t.strictSame(life.nodes.users, ["1002", "1003"], "two owners are two clusters");
    t.ok(
      life.printed.includes(
        "warn: ƒ2QT1HSJy5: work directory owned by a different user than the job: uid 1002, ranks 1-2",
      ),
    );
  },
);

t.test(
  "the owner's directory with the ID of another user's cluster is a different one",
  async (t) => {
    const { life, taken, tested } = leftovers();
    const claim = { ...claimOf("0-2", []), userid: 1002 };
    life.world.open.add({ jobid: String(JOBID), claim, left: [] });
    life.nodes.workdirs = (rank) => (rank === 2 ? [STRAY] : []);
    await tested.takeAll();
    await life.quiet();
    t.strictSame(taken, []);
    t.strictSame(life.nodes.users, [""], "as the owner");
  },
);

t.test(
  "a failed teardown of a foreign directory is logged, and the node is searched again",
  async (t) => {
    const { life, tested } = leftovers();
    life.nodes.workdirs = (rank) => (rank === 2 ? [`1002 ${JOBID} docker`] : []);
    life.nodes.play = () => ({ exit: 1, tail: ["left behind: container x"] });
    const note = "exit 1: left behind: container x";
    t.match(await tested.clean("all"), [{ left: "2", where: "node2 (rank 2)", note }]);
    t.ok(life.printed.includes(`warn: ƒ2QT1HSJy5: uid 1002: leftovers on node2 (rank 2): ${note}`));
    await tested.takeAll();
    await life.quiet();
    t.strictSame(life.nodes.commands.slice(2), ["find on 2", "exec 2: down-v"]);
  },
);

t.test("a user's directories that cannot be read are logged", async (t) => {
  const { life, tested } = leftovers();
  life.nodes.workdirs = (rank) => (rank === 2 ? ["1002 unseen"] : []);
  await tested.takeAll();
  t.ok(
    life.printed.includes("warn: rank 2: the work directories of uid 1002 in /tmp cannot be read"),
  );
});
