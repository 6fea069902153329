/** The cluster of the whole instance: flux-usernetes up and down, with and without a daemon. */
import { join } from "node:path";
import { life } from "./life.js";
import { COMMANDS } from "./places.js";
import { loggedRanks } from "./logged-ranks.js";

const UP = ["flux-usernetes", "up", "--pass-env", "TESTBED"];
const DOWN = ["flux-usernetes", "down", "--pass-env", "TESTBED"];

life(async (t, flux) => {
  const kubeconfig = join(flux.place.base, "usernetes-instance/kubeconfig");
  const nodes = async () =>
    (
      await flux.output(
        "flux",
        "exec",
        "-r0",
        "env",
        `KUBECONFIG=${kubeconfig}`,
        "kubectl",
        "get",
        "nodes",
      )
    ).match(/ Ready /g)?.length;

  await t.test(
    "up brings a cluster up on all ranks, and prints its kubeconfig alone",
    async (t) => {
      const { stdout, stderr, exitCode } = await flux.run(UP);
      t.equal(exitCode, 0, stderr);
      t.equal(stdout, `${kubeconfig}\n`);
      t.equal(await nodes(), 4);
      t.strictSame(loggedRanks(stderr, "instance: up", "ok"), [0, 1, 2, 3], stderr);
      t.match(await flux.output("flux", "dmesg"), /usernetes.*instance: settle: ready/);
    },
  );

  await t.test("list and status show the cluster of the instance", async (t) => {
    const list = await flux.output("flux-usernetes", "list", "-n");
    t.match(list, /^ *instance +\S+ +ready +4\/4 +docker /);
    const status = await flux.output("flux-usernetes", "status", "instance");
    t.match(status, "kubeconfig");
    t.match(status, kubeconfig);
    t.match(await flux.output("flux-usernetes", "status"), /^ *instance .* ready /m);
    const logs = await flux.output("flux-usernetes", "logs", "instance");
    t.match(logs, /^==> wait-ready <==\n0: /m);
  });

  await t.test("the kubeconfig works on every node", async (t) => {
    const ask = ["exec", "-r", "2", "flux", "usernetes", "kubeconfig", "instance"];
    const { stdout, stderr, exitCode } = await flux.run(["flux", ...ask], {
      FLUX_EXEC_PATH: COMMANDS,
    });
    t.equal(exitCode, 0, stderr);
    t.match(stdout, /^ +server: https:\/\/(?!127\.)[0-9.]+:[0-9]+$/m);
  });

  await t.test("a repeated warm finds the image", async (t) => {
    const started = flux.startedSteps().length;
    t.match(await flux.run(UP), { exitCode: 0, stdout: `${kubeconfig}\n`, stderr: "" });
    t.equal(flux.startedSteps().length, started, "no step ran");
    t.match(await flux.run([...UP, "-x", "3"]), {
      exitCode: 1,
      stderr: /^flux-usernetes: this instance already has a cluster on ranks 0-3, not on 0-2: /,
    });
  });

  await t.test(
    "a daemon leaves the instance's cluster alone, and gives its jobs other ports",
    async (t) => {
      await flux.startDaemon();
      const show = ["sh", "-c", "kubectl get nodes"];
      const job = await flux.submit("-N2", ...show);
      await flux.waitForEnd(job);
      t.match((await flux.record(job)).at(-1), { name: "down", context: { left: { length: 0 } } });
      const ports = (await flux.record(job))[0]?.context?.["ports"] as { etcd: number };
      t.equal(ports.etcd, 20004);
      const clean = await flux.run(["flux-usernetes", "clean", "--all"]);
      t.match(clean, { exitCode: 0, stdout: "nothing is left of any job's cluster\n" });
      t.equal(await nodes(), 4);
    },
  );

  await t.test("down removes the cluster while a daemon runs, and can be repeated", async (t) => {
    const { stderr, exitCode } = await flux.run(DOWN);
    t.equal(exitCode, 0, stderr);
    t.match(stderr, "instance: down: nothing is left");
    t.same(await flux.leftovers(), []);
    t.match(await flux.run(DOWN), {
      exitCode: 0,
      stderr: "this instance has no cluster\n",
    });
    const logs = await flux.output("flux-usernetes", "logs", "instance");
    t.match(logs, "==> wait-ready, try 1: ok on 0 <==\n");
    t.match(logs, "==> down-v, try 1: ok on 0-3 <==\n");
    const job = await flux.submit("-N1", "true");
    await flux.waitForEnd(job);
    const ports = (await flux.record(job))[0]?.context?.["ports"] as { etcd: number };
    t.equal(ports.etcd, 20000, "its ports are free again");
    await flux.stopDaemon();
  });

  await t.test("up can use some ranks and a named directory", async (t) => {
    const workdir = join(flux.place.base, "mine");
    const { stdout, exitCode, stderr } = await flux.run([...UP, "-x", "1-2", "--workdir", workdir]);
    t.equal(exitCode, 0, stderr);
    t.equal(stdout, `${workdir}/kubeconfig\n`);
    t.notMatch(stderr, /node[12]/);
    const kept = await flux.output("flux", "kvs", "ls", "-1", "usernetes.log");
    t.notMatch(kept, "down-v", "the last one's logs are gone");
    t.equal((await flux.run(DOWN)).exitCode, 0);
    t.same(await flux.leftovers(), []);
  });

  await t.test("wrong usage is reported with what is allowed", async (t) => {
    for (const [args, words] of [
      [["-x", "9"], /-x: found rank 9, allowed: 0-3, the ranks of this instance/],
      [["-x", "1-"], /-x: found "1-", allowed: ranks, like 0-3,7/],
      [["-x", "0-3"], /-x: excludes every rank of the instance, allowed: all but one or more/],
      [["--workdir", "here"], /--workdir: found "here", allowed: an absolute path/],
    ] as const) {
      const { exitCode, stderr } = await flux.run([...UP, ...args]);
      t.equal(exitCode, 2);
      t.match(stderr, words);
    }
    const engine = await flux.run([...UP, "--engine", "rkt"]);
    t.match(engine, {
      exitCode: 3,
      stderr: /container-engine: found "rkt", allowed: docker, podman/,
    });
  });

  await t.test("up in a batch job makes a cluster, or finds the job's own", async (t) => {
    await flux.startDaemon();
    const script = flux.script(`
flux-usernetes up --pass-env TESTBED
flux run -N2 usernetes attr kubeconfig
flux run -N1 --setattr=attributes.user.usernetes=yes sh -c 'echo "asked $KUBECONFIG"'
flux-usernetes down --pass-env TESTBED`);
    const initrc = "conf.shell_initrc";
    const nested =
      flux.kind === "real"
        ? [`--broker-opts=--setattr=${initrc}=${await flux.output("flux", "getattr", initrc)}`]
        : [];
    const batch = async (...args: string[]) => {
      const out = join(flux.place.common, "up.out");
      const job = await flux.output(
        "flux",
        "batch",
        "-N2",
        `--output=${out}`,
        ...nested,
        ...args,
        script,
      );
      await flux.waitForEnd(job);
      return { job, text: await flux.output("cat", out) };
    };
    const own = await batch();
    const path = join(flux.place.base, `usernetes-${own.job.toLowerCase()}/kubeconfig`);
    t.match(own.text, `${path}\n`);
    t.equal(own.text.split("\n").filter((line) => line === path).length, 3, own.text);
    t.match(own.text, `asked ${path}\n`);
    t.match(own.text, "instance: down: nothing is left");
    const given = await batch("--setattr=attributes.user.usernetes=yes");
    t.match(given.text, /this job already has a cluster: .*kubeconfig\n/);
    t.match(given.text, "this instance has no cluster");
    t.same(await flux.leftovers(), []);
    await flux.stopDaemon();
  });
}, 'ready = "dns"\n');
