/** A site's variables and hooks reach its steps, its hooks and doctor, also after a reload. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PACKAGE } from "../sandbox/paths.js";
import { until } from "../hosts/until.js";
import { life } from "./life.js";

const DOCTOR = [join(PACKAGE, "bin/flux-usernetes"), "doctor"];

life(async (t, flux) => {
  const notes = (name: string) => join(flux.place.testbed, name);
  const lines = (name: string) => {
    try {
      return readFileSync(notes(name), "utf8").trimEnd().split("\n").toSorted();
    } catch {
      return [];
    }
  };
  const hook = flux.script(`
name=$1
shift
echo "$name $USERNETES_HERE $STORE $(pwd -P) $*" >>"$TESTBED/hooks"
[ ! -e "$TESTBED/fail.$name.$USERNETES_HERE" ] || { echo "$name has no scratch" >&2; exit 4; }
[ "$name" != after-ready ] || kubectl --kubeconfig "$KUBECONFIG" get nodes -o name >>"$TESTBED/nodes"`);
  const hooks = ["before-up", "after-ready", "before-down"]
    .map((name) => `${name} = ["${hook}", "${name}", "a b", "$(id)"]`)
    .join("\n");
  const site = (store: string) => `
[usernetes.environment]
STORE = "${store}/{host}/{uid}"
XDG_RUNTIME_DIR = "${flux.place.base}/run-{uid}"
[usernetes.hooks]
${hooks}
`;
  const file = flux.table(site("/one"));
  flux.logLevel = "info";
  await flux.startDaemon("--config", file);
  const uid = String(process.getuid?.());
  await t.test(
    "hooks run on their nodes, with the site's variables and without a shell",
    async (t) => {
      const job = await flux.submit("-N2", "sleep", "100");
      await flux.waitFor(job, "start");
      const where = join(flux.place.base, `usernetes-${job.toLowerCase()}`);
      const line = (name: string, host: number) =>
        `${name} node${host} /one/node${host}/${uid} ${where.replace("node0", `node${host}`)} a b $(id)`;
      const up = [line("after-ready", 0), line("before-up", 0), line("before-up", 1)];
      t.strictSame(lines("hooks"), up);
      t.match(lines("nodes"), [/u7s-node0/, /u7s-node1/]);

      await t.test("a teardown after a reload has the variables of its bring-up", async (t) => {
        writeFileSync(file, readFileSync(flux.table(site("/two")), "utf8"));
        flux.signalDaemon("SIGHUP");
        await until("it is reloaded", () => flux.daemonLog.includes("configuration reloaded"));
        await flux.output("flux", "cancel", job);
        await flux.waitForEnd(job);
        const down = [line("before-down", 0), line("before-down", 1)];
        t.strictSame(lines("hooks"), [...up, ...down].toSorted());
      });

      await t.test("hooks are steps of the record, of status and of timeline", async (t) => {
        const record = await flux.record(job);
        const ended = record
          .filter(({ name }) => name === "step-finish")
          .map(({ context }) => String(context?.["step"]));
        for (const name of ["before-up", "after-ready", "before-down"])
          t.ok(ended.includes(name), name);
        const status = await flux.output(join(PACKAGE, "bin/flux-usernetes"), "status", job);
        const timeline = await flux.output(join(PACKAGE, "bin/flux-usernetes"), "timeline", job);
        for (const name of ["before-up", "after-ready", "before-down"]) {
          t.match(status, new RegExp(`^${name} +ok`, "m"));
          t.match(timeline, name);
        }
      });
    },
  );

  await t.test("a failed hook fails the job, and all is removed", async (t) => {
    for (const [name, host] of [
      ["before-up", 1],
      ["after-ready", 0],
    ] as const) {
      writeFileSync(notes(`fail.${name}.node${host}`), "");
      const job = await flux.submit("-N2", "true");
      await flux.waitForEnd(job);
      const exception = (await flux.events(job)).find(({ name }) => name === "exception");
      t.match(exception?.context, {
        type: "usernetes",
        note: `${name} failed on node${host} (rank ${host}): exit 4: ${name} has no scratch`,
      });
      await flux.run(["rm", notes(`fail.${name}.node${host}`)]);
      t.same(
        await flux.leftovers().then((all) => all.filter((line) => !line.includes("run-"))),
        [],
      );
    }
  });

  await t.test("a failed before-down does not stop a teardown", async (t) => {
    writeFileSync(notes("fail.before-down.node1"), "");
    const job = await flux.submit("-N2", "true");
    await flux.waitForEnd(job);
    const record = await flux.record(job);
    const failed = record.find(({ context }) => context?.["status"] === "failed");
    t.match(failed?.context, { step: "before-down", ranks: "1", note: /has no scratch$/ });
    t.match(record.at(-1), { name: "down", context: { left: [] } });
    await flux.run(["rm", notes("fail.before-down.node1")]);
  });

  await t.test("a teardown without its entry reads the variables from the nodes", async (t) => {
    const job = await flux.submit("-N2", "sleep", "100");
    await flux.waitFor(job, "start");
    const id = await flux.output("flux", "job", "id", job);
    await flux.stopDaemon("SIGKILL");
    await flux.output("flux", "kvs", "unlink", `usernetes.cluster.${id}`);
    const before = lines("hooks").length;
    await flux.output("flux", "cancel", job);
    await flux.startDaemon("--config", flux.table(site("/three")));
    const clean = ["flux-usernetes", "clean", "--all"];
    t.match(await flux.run(clean), { exitCode: 0 });
    await flux.waitForEnd(job);
    t.equal(lines("hooks").length, before + 2);
    const down = lines("hooks").filter((line) => line.startsWith("before-down"));
    t.strictSame(
      down.filter((line) => line.includes("/three/")),
      [],
      "not those of the moment",
    );
    t.equal(down.filter((line) => line.includes(` /two/`)).length >= 2, true);
    // The directory of XDG_RUNTIME_DIR belongs to the user and not to the cluster.
    const left = (await flux.leftovers()).filter((line) => !line.endsWith(`: run-${uid}`));
    t.same(left, []);
  });

  await t.test("a missing program fails the job at stage, and doctor reports it", async (t) => {
    const none = flux.table('[usernetes.hooks]\nbefore-up = ["/opt/none/up"]\n');
    await flux.stopDaemon();
    await flux.startDaemon("--config", none);
    const job = await flux.submit("-N2", "true");
    await flux.waitForEnd(job);
    const exception = (await flux.events(job)).find(({ name }) => name === "exception");
    t.match(
      String(exception?.context?.["note"]),
      /^stage failed on node[01] \(rank [01]\): exit 1: the program of the hook before-up \(usernetes\.hooks\.before-up\) is not on this node: \/opt\/none\/up; install it there, or change usernetes\.hooks$/,
    );
    const { stdout } = await flux.run([...DOCTOR, "--config", none]);
    t.match(stdout, "/opt/none/up");
  });
});
