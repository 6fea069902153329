/** `run-as = "sudo"`: jobs of other users on four hosts. The users exist on this machine. */
import { until } from "../hosts/until.js";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lchownSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { INSTANCE_KEY } from "../../plugin/instance-id.js";
import t from "tap";
import type { Tap } from "./life.js";
import { as, makeUser, processesOf, UsersFlux, whyNoUsers, type User } from "./users.js";

const skip = whyNoUsers() ?? false;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Runs a test in its own instance, with the users Alice and Bob. */
function users(
  name: string,
  body: (t: Tap, flux: UsersFlux, alice: User, bob: User) => Promise<void>,
  more = "",
): void {
  t.test(name, { skip }, async (test) => {
    const tap = test as unknown as Tap;
    const alice = makeUser(tap, "u7s-alice");
    const bob = makeUser(tap, "u7s-bob");
    await body(tap, await UsersFlux.open(tap, more), alice, bob);
  });
}

/** Checks that the user has no leftover processes, files or resources in an engine or in Flux. */
async function nothingIsLeft(t: Tap, flux: UsersFlux, user: User): Promise<void> {
  const left = (await flux.leftovers()).filter((line) => !/^engine node[0-9]$/.test(line));
  t.strictSame(left, []);
  t.strictSame(processesOf(user.uid), []);
  // Other tests make such directories at the same time, for their own instances.
  const instance = JSON.parse(await flux.output("flux", "kvs", "get", INSTANCE_KEY)) as string;
  t.match(instance, UUID);
  const isOurs = (name: string) => name.startsWith("usernetes-join-") && name.includes(instance);
  t.strictSame(readdirSync(tmpdir()).filter(isOurs), []);
}

users("a user's cluster is the user's own, on every node", async (t, flux, alice, bob) => {
  await flux.startDaemon();
  t.match(await flux.by(alice, "ping", "-c", "1", "usernetes"), "(usernetes)");
  const go = join(flux.place.testbed, "go");
  const job = await flux.submitBy(
    alice,
    3,
    "sh",
    "-c",
    `id -u; while [ ! -e ${go} ]; do sleep 0.1; done`,
  );
  const seen = await flux.asGuest(alice, "usernetes", "logs", "--follow", job);
  t.equal(seen.exitCode, 0, seen.stderr);
  for (const heading of ["kubeadm-join, try 1: ok on 1-2", "wait-ready, try 1: ok on 0"])
    t.equal(seen.stdout.split(`==> ${heading} <==\n`).length, 2, seen.stdout);
  await flux.waitFor(job, "start");
  const [{ context: claim = {} } = {}] = await flux.record(job);
  t.match(claim, { userid: alice.uid, ranks: "0-2" });
  const name = String(claim["workdir"]).split("/").at(-1) ?? "";
  for (const rank of [0, 1, 2]) {
    const workdir = join(flux.disk(rank), name);
    const { uid, mode } = statSync(workdir);
    t.strictSame([uid, mode & 0o777], [alice.uid, 0o700], `node${rank}`);
    t.strictSame(execFileSync("find", [workdir, "!", "-uid", String(alice.uid)]).toString(), "");
    t.notOk(existsSync(join(workdir, "join-command")), "the token has served");
  }
  const kubeconfig = join(flux.disk(0), name, "kubeconfig");
  const { uid, mode } = statSync(kubeconfig);
  t.strictSame([uid, mode & 0o777], [alice.uid, 0o600]);
  t.equal(as(alice, "cat", kubeconfig).status, 0);
  t.equal(as(bob, "cat", kubeconfig).status, 1);
  t.strictSame(flux.stepUids(), new Set([String(alice.uid)]));
  await t.rejects(flux.by(bob, "job", "info", job, "usernetes.eventlog"), /access is restricted/);
  t.match(await flux.by(alice, "job", "info", job, "usernetes.eventlog"), '"settle"');
  // The owner gets the logs from the nodes. The user gets the saved lines. Nobody else gets any.
  const whole = await flux.run(["flux", "usernetes", "logs", job]);
  t.match(whole, { exitCode: 0, stderr: "", stdout: /^==> wait-ready <==\n0: /m });
  const kept = { exitCode: 0, stderr: /cannot read logs from the nodes \(.*owner credentials\)/ };
  const hers = await flux.asGuest(alice, "usernetes", "logs", job);
  t.match(hers, { ...kept, stdout: /^==> wait-ready, try 1: ok on 0 <==\n0: /m });
  const followed = await flux.asGuest(alice, "usernetes", "logs", "--follow", job);
  t.match(followed, { ...kept, stdout: hers.stdout }, "it has settled");
  const other = await flux.asGuest(bob, "usernetes", "logs", job);
  t.match(other, { exitCode: 1, stdout: "", stderr: /another user's/ });
  // The user can read the kubeconfig on every node while the job runs, as can the owner.
  // Nobody else can.
  const server = /^ +server: https:\/\/(?!127\.)[0-9.]+:[0-9]+$/m;
  for (const asked of [
    await flux.asGuest(alice, "usernetes", "kubeconfig", job),
    await flux.run(["flux", "usernetes", "kubeconfig", job]),
  ])
    t.match(asked, { exitCode: 0, stdout: server, stderr: "" });
  t.match(await flux.asGuest(bob, "usernetes", "kubeconfig", job), {
    ...{ exitCode: 1, stdout: "" },
    stderr: /^flux-usernetes: kubeconfig: job \S+ belongs to another user\n$/,
  });
  execFileSync("touch", [go]);
  await flux.waitForEnd(job);
  t.match(await flux.by(alice, "usernetes", "logs", job), "==> down-v, try 1: ok on 0-2 <==\n");
  t.match(await flux.output("flux", "job", "attach", job), String(alice.uid));
  await nothingIsLeft(t, flux, alice);
  t.strictSame(flux.stepUids(), new Set([String(alice.uid)]), "and as the user it was taken down");
});

users(
  "two users have clusters at the same time, and each cancels their own",
  async (t, flux, alice, bob) => {
    flux.takes("up", 60);
    await flux.startDaemon();
    const hers = await flux.submitBy(alice, 2, "true");
    const his = await flux.submitBy(bob, 2, "true");
    await flux.untilStarted("up", 4);
    await t.rejects(flux.by(bob, "cancel", hers), /only raise exceptions on their own jobs/);
    await flux.by(alice, "cancel", hers);
    await flux.waitForEnd(hers);
    t.strictSame(processesOf(alice.uid), [], "what was cut off has ended");
    t.not(processesOf(bob.uid).length, 0);
    await flux.by(bob, "cancel", his);
    await flux.waitForEnd(his);
    await nothingIsLeft(t, flux, alice);
    await nothingIsLeft(t, flux, bob);
  },
);

users(
  "a kill -9 of the daemon in a step leaves no orphan, and the next one resumes",
  async (t, flux, alice) => {
    flux.takes("kubeadm-join", 60);
    await flux.startDaemon();
    const job = await flux.submitBy(alice, 3, "true");
    await flux.untilStarted("kubeadm-join", 2);
    await flux.stopDaemon("SIGKILL");
    await until("alice's processes are gone", () => processesOf(alice.uid).length === 0);
    flux.takes("kubeadm-join", 0.1);
    await flux.startDaemon();
    await flux.waitForEnd(job);
    t.ok((await flux.events(job)).some(({ name }) => name === "start"));
    t.notOk(flux.stepsLog().some(({ what }) => what.startsWith("overlap")));
    await nothingIsLeft(t, flux, alice);
  },
);

users(
  "a step that hangs is ended at its deadline, with all that it runs",
  async (t, flux, alice) => {
    flux.fault("node1.kubeadm-join", "hang");
    await flux.startDaemon();
    const job = await flux.submitBy(alice, 2, "true");
    await flux.waitForEnd(job);
    const exception = (await flux.events(job)).find(({ name }) => name === "exception");
    t.match(exception?.context, { type: "usernetes", note: /timed out after/ });
    await nothingIsLeft(t, flux, alice);
  },
  'bring-up-timeout = "6s"\n',
);

users("an unrecorded work directory is removed as its owner", async (t, flux, alice, bob) => {
  await flux.startDaemon();
  const job = await flux.submitBy(alice, 2, "sleep", "60");
  await flux.waitFor(job, "start");
  const id = await flux.output("flux", "job", "id", job);
  const [{ context: claim = {} } = {}] = await flux.record(job);
  const name = String(claim["workdir"]).split("/").at(-1) ?? "";
  // Bob makes a work directory with the ID of Alice's job. Alice's own must stay untouched.
  const planted = join(flux.disk(3), name);
  as(bob, "mkdir", "-p", join(planted, ".usernetes"));
  const marker = as(alice, "cat", join(flux.disk(0), name, ".usernetes/owner")).stdout;
  as(bob, "sh", "-c", 'printf %s "$2" >"$1/.usernetes/owner"', "sh", planted, marker);
  const all = await flux.run(["flux-usernetes", "clean", "--all"]);
  t.match(all, { exitCode: 0, stdout: /: nothing is left\n$/ });
  t.notOk(existsSync(planted));
  t.ok(existsSync(join(flux.disk(0), name)), "hers is in use");
  // Removes the entry, as if a crash had lost it.
  await flux.stopDaemon("SIGKILL");
  await flux.flux("kvs", "unlink", `usernetes.cluster.${id}`);
  await flux.by(alice, "cancel", job);
  await flux.startDaemon();
  const again = await flux.run(["flux-usernetes", "clean", "--all"]);
  t.match(again, { exitCode: 0 });
  await nothingIsLeft(t, flux, alice);
  t.notOk(flux.stepUids().has("0"), "nothing as the owner");
});

users("an account that does not exist on the nodes is reported", async (t, flux) => {
  await flux.startDaemon();
  const nobody = { name: "", uid: 64_321 };
  const job = await flux.submitBy(nobody, 1, "true");
  await flux.waitForEnd(job);
  const exception = (await flux.events(job)).find(({ name }) => name === "exception");
  t.match(exception?.context, {
    note: /^stage failed on node0 \(rank 0\): exit 1: uid 64321 has no account/,
  });
});

users("a user's images are built in the user's own store, as the user", async (t, flux, alice) => {
  const template = join(flux.place.common, "copies/template");
  const file = flux.table('run-as = "sudo"\n', { template });
  const warm = ["flux-usernetes", "warm", "--config", file, "--pass-env", "TESTBED"];
  const { exitCode, stderr } = await flux.run([...warm, "--user", alice.name]);
  t.equal(exitCode, 0, stderr);
  for (const rank of [0, 1, 2, 3]) {
    t.match(
      stderr,
      new RegExp(`^node${rank} \\(rank ${rank}\\), u7s-alice: image ready after `, "m"),
    );
    const image = join(flux.place.testbed, `engine/node${rank}/usernetes_warm/image`);
    t.equal(statSync(image).uid, alice.uid);
  }
  t.strictSame(processesOf(alice.uid), []);
});

users(
  "a job may have its user's own template, but not another user's",
  async (t, flux, alice, bob) => {
    await flux.startDaemon();
    const own = (user: User, name: string) => {
      const directory = join(flux.place.common, name);
      cpSync(join(flux.place.common, "copies/template"), directory, { recursive: true });
      execFileSync("chown", ["-R", String(user.uid), directory]);
      return directory;
    };
    const asked = async (user: User, template: string) => {
      const options = ["usernetes=yes", `usernetes_template=${template}`];
      const attributes = options.map((option) => `--setattr=attributes.user.${option}`);
      const job = await flux.by(user, "submit", "-N2", "-n2", ...attributes, "--cwd=/", "true");
      await flux.waitForEnd(job);
      const settled = (await flux.record(job)).find(({ name }) => name === "settle");
      return settled?.context;
    };
    const hers = own(alice, "hers");
    chmodSync(hers, 0o700);
    t.match(await asked(alice, hers), { outcome: "ready" }, "nobody else may read it");
    t.strictSame(flux.stepUids(), new Set([String(alice.uid)]));
    const refused = async (template: string, why: RegExp) => {
      t.match(await asked(bob, template), { outcome: "failed", note: why });
    };
    const at = (name: string) => join(flux.place.common, name);
    const stage = "^stage failed on node[0-3] \\(rank [0-3]\\): exit 1: ";
    const bobs = String(bob.uid);
    await refused(
      hers,
      new RegExp(`${stage}usernetes_template: ${hers} is not owned by uid ${bobs}: `),
    );
    symlinkSync(hers, at("link"));
    lchownSync(at("link"), bob.uid, bob.uid);
    await refused(
      at("link"),
      new RegExp(`${stage}usernetes_template: .*/link is not owned by uid ${bobs}: `),
    );
    execFileSync("mkfifo", [at("fifo")]);
    chownSync(at("fifo"), bob.uid, bob.uid);
    await refused(
      at("fifo"),
      new RegExp(`${stage}usernetes_template: .*/fifo is not a directory on this node`),
    );
    const his = own(bob, "his");
    symlinkSync("/etc/passwd", join(his, "passwd"));
    await refused(
      his,
      new RegExp(
        `${stage}the template .*: passwd is a link that leads out of it, to /etc/passwd: `,
      ),
    );
    rmSync(join(his, "passwd"));
    execFileSync("mkfifo", [join(his, "pipe")]);
    await refused(
      his,
      new RegExp(`${stage}the template .*: pipe is neither a file, a directory nor a link: `),
    );
    for (const user of [alice, bob]) await nothingIsLeft(t, flux, user);
    await flux.stopDaemon();
  },
  "user-templates = true\n",
);
