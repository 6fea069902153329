/**
 * Runs real, unchanged clones of rootless-containers/usernetes through the daemon's steps on
 * podman: their Makefile, compose file, Dockerfile and scripts. Stand-ins (kind/) replace only
 * their base image, kindest/node, and the files that are downloaded into it.
 *
 *   USERNETES_CLONE=DIRECTORY[:DIRECTORY]... npx tap dist/test/podman/clone.test.js
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import type { Tap } from "../life/life.js";
import { buildKind, WRAP } from "./kind.js";
import { podmanLife, type PodmanFlux } from "./life.js";

const CLONES = (process.env["USERNETES_CLONE"] ?? "").split(":").filter(Boolean);
type Asserts = Pick<Tap, "comment" | "equal" | "match" | "ok" | "same">;

if (CLONES.length === 0)
  t.pass("skipped", { skip: "USERNETES_CLONE names no clone of rootless-containers/usernetes" });
else
  await podmanLife({}, async (t, flux) => {
    await buildKind(flux.place, flux.ranks);
    flux.daemonEnv = { PATH: `${WRAP}:${flux.place.env["PATH"] ?? ""}` };
    for (const clone of CLONES)
      await t.test(`the clone ${clone} works`, async (t) => {
        const choosable = /PORT_ETCD/.test(readFileSync(join(clone, "Makefile"), "utf8"));
        const ports = choosable ? "" : 'ports = "default"\n';
        const table = flux.table(`container-engine = "podman"\n${ports}`, { template: clone });
        await t.test("doctor accepts the clone", (t) => checkDoctor(t, flux, table));
        // Only one host is warmed.
        const warm = ["flux-usernetes", "warm", "--rank", "0", "--config", table];
        const warmed = await flux.run([...warm, "--pass-env", "TESTBED"], flux.daemonEnv);
        t.match(warmed, { exitCode: 0, stderr: /^node0 \(rank 0\): image ready after /m });
        const before = await flux.engines();
        await flux.startDaemon("--config", table);
        await t.test("a job has its cluster, which is removed completely", async (t) => {
          await checkJob(t, flux);
          t.same(await flux.engines(), before);
        });
        if (choosable)
          await t.test("an interrupted install-flannel is repeated", async (t) => {
            await checkCutOff(t, flux, table);
            t.same(await flux.engines(), before);
          });
        if (choosable)
          await t.test("two jobs on the same nodes have a cluster each", async (t) => {
            await checkTwo(t, flux);
            t.same(await flux.engines(), before);
          });
        await flux.stopDaemon();
        if (choosable)
          await t.test("a cluster comes up sooner with the adjustments", async (t) => {
            await checkSooner(t, flux, clone);
            t.same(await flux.engines(), before);
          });
        await t.test("usernetes by hand makes a cluster and removes it", async (t) => {
          await checkByHand(t, flux, clone);
          t.same(await flux.engines(), before);
        });
      });
  });

async function checkDoctor(t: Asserts, flux: PodmanFlux, table: string): Promise<void> {
  const argv = ["doctor", "--rank", "0-1", "--json", "--config", table, "--pass-env", "TESTBED"];
  const { stdout } = await flux.run(["flux-usernetes", ...argv]);
  const { requirements } = JSON.parse(stdout) as {
    requirements: { id: string; fail: { found: string }[] }[];
  };
  for (const id of ["template", "template-rest", "template-same", "engine-podman"])
    t.same(requirements.find((one) => one.id === id)?.fail, [], id);
}

async function checkJob(t: Asserts, flux: PodmanFlux): Promise<void> {
  const seen = `test $FLUX_TASK_RANK != 0 || {
    kubectl get nodes
    grep server: "$KUBECONFIG"
    grep -c "Using cache" "$USERNETES_WORKDIR"/.usernetes/nodes/*/up.log
  }`;
  const job = await flux.submit("-N2", "-n2", flux.script(seen));
  await flux.waitFor(job, "start", "120s");
  const made = await flux.engines();
  for (const kind of ["container", "network", "volume", "image"])
    for (const rank of [0, 1])
      t.ok(
        made.some((line) => line.startsWith(`node${rank} ${kind} `)),
        `node${rank}: ${kind}`,
      );
  await flux.waitForEnd(job, "120s");
  const { stdout, stderr } = await flux.flux("job", "attach", job);
  t.equal(stdout.match(/u7s-node[01] +Ready/g)?.length, 2, stdout + stderr);
  const record = await flux.record(job);
  const { apiserver } = record[0]?.context?.["ports"] as { apiserver: number };
  t.match(stdout, new RegExp(`server: \\S+127\\.0\\.0\\.1:${apiserver}\n`));
  t.match(stdout, /^([5-9]|1[0-9])$/m, "layers that were there are used");
  const failed = record.filter(
    ({ name, context }) => name === "step-finish" && context?.["status"] !== "ok",
  );
  t.same(failed, []);
  t.match(record.at(-1), { name: "down", context: { left: { length: 0 } } });
}

/**
 * Kills the daemon during install-flannel. The step continues in the container while the next
 * daemon starts.
 */
async function checkCutOff(t: Asserts, flux: PodmanFlux, table: string): Promise<void> {
  const job = await flux.submit("-N1", "true");
  const slow = 'if [ -d "$1" ]; then touch "$1/slow"; fi';
  for (let startedSteps = false; !startedSteps;) {
    const record = await flux.record(job);
    const { workdir } = (record[0]?.context ?? {}) as { workdir?: string };
    if (workdir) await flux.flux("exec", "sh", "-c", slow, "sh", workdir);
    startedSteps = record.some(
      ({ name, context }) => name === "step-start" && context?.["step"] === "install-flannel",
    );
  }
  await sleep(1500);
  await flux.stopDaemon("SIGKILL");
  await flux.startDaemon("--config", table);
  await flux.waitForEnd(job, "120s");
  const record = await flux.record(job);
  t.ok(
    record.some(({ name, context }) => name === "settle" && context?.["outcome"] === "ready"),
    JSON.stringify(record),
  );
  t.match(record.at(-1), { name: "down", context: { left: { length: 0 } } });
}

async function checkTwo(t: Asserts, flux: PodmanFlux): Promise<void> {
  const script = flux.script("test $FLUX_TASK_RANK != 0 || kubectl get nodes; sleep 2");
  const jobs = await Promise.all([1, 2].map(() => flux.submit("-N4", "-n4", script)));
  for (const job of jobs) {
    await flux.waitForEnd(job, "180s");
    const { stdout, stderr } = await flux.flux("job", "attach", job);
    t.equal(stdout.match(/u7s-node[0-3] +Ready/g)?.length, 4, stdout + stderr);
    t.match((await flux.record(job)).at(-1), { name: "down", context: { left: { length: 0 } } });
  }
}

/**
 * Returns the time of a bring-up on one node, in seconds, and that of each of its steps. The
 * stand-ins take as long as real nodes if the template has the file as-measured.
 */
async function secondsOf(flux: PodmanFlux, template: string, more: string) {
  const table = flux.table(`container-engine = "podman"\n${more}`, { template });
  await flux.startDaemon("--config", table);
  const job = await flux.submit("-N1", "true");
  await flux.waitForEnd(job, "180s");
  await flux.stopDaemon();
  const record = await flux.record(job);
  const at = (name: string) => record.find((event) => event.name === name)?.timestamp ?? NaN;
  const steps = record.flatMap(({ name, context }) =>
    name === "step-finish" ? [`${String(context?.["step"])} ${String(context?.["seconds"])}`] : [],
  );
  return { whole: at("settle") - at("claim"), steps };
}

async function checkSooner(t: Asserts, flux: PodmanFlux, clone: string): Promise<void> {
  const template = join(flux.place.common, "as-measured");
  await flux.output("cp", "-R", clone, template);
  await flux.output("touch", join(template, "as-measured"));
  const without = await secondsOf(flux, template, "adjustments = []\n");
  const adjusted = await secondsOf(flux, template, "");
  const numbers = JSON.stringify({ without, with: adjusted });
  t.comment(numbers);
  // The adjustments save 10 s of kubeadm's version lookup and 5 s of the node's name lookup.
  t.ok(without.whole - adjusted.whole > 12, numbers);
  await flux.output("rm", "-rf", template);
}

/** Uses a copy of the clone that both hosts share, with the clone's own ports and names. */
async function checkByHand(t: Asserts, flux: PodmanFlux, clone: string): Promise<void> {
  const directory = join(flux.place.common, "clone");
  await flux.output("cp", "-R", clone, directory);
  const by = (rank: number, ...verb: string[]) => {
    const argv = ["flux", "exec", "-r", String(rank), "usernetes", ...verb, "--workdir", directory];
    return flux.run(argv, { ...flux.daemonEnv, CONTAINER_ENGINE: "podman" });
  };
  const started = await Promise.all([
    by(0, "start-control-plane", "--worker-count=1"),
    by(1, "start-worker"),
  ]);
  for (const { exitCode, stderr } of started) t.equal(exitCode, 0, stderr);
  const kubectl = ["env", `KUBECONFIG=${directory}/kubeconfig`, "kubectl", "get", "nodes"];
  const { stdout, stderr } = await flux.run(["flux", "exec", "-r", "0", ...kubectl]);
  t.equal(stdout.match(/u7s-node[01] +Ready/g)?.length, 2, stdout + stderr);
  for (const rank of [0, 1]) t.match(await by(rank, "down"), { exitCode: 0 });
  await flux.output("rm", "-rf", directory);
}
