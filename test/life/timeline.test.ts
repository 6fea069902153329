/** `flux usernetes timeline` of a cluster, and its drawing. */
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { timelineJson } from "../../lib/view/timeline/json.js";
import { life } from "./life.js";

life(async (t, flux) => {
  const usernetes = (...args: string[]) => flux.run(["flux", "usernetes", ...args]);
  const timeline = async (...args: string[]) =>
    JSON.parse(await flux.output("flux", "usernetes", "timeline", "--json", ...args)) as ReturnType<
      typeof timelineJson
    >;
  await flux.startDaemon();

  let job = "";
  await t.test(
    "timeline shows a life's steps, its longest chain and the time outside them",
    async (t) => {
      flux.fault("node1.kubeadm-join", "exit 2 once");
      job = await flux.submit("-N3", "true");
      await flux.waitForEnd(job);
      const { phases, state } = await timeline(job);
      t.equal(state, "gone");
      t.match(phases, [
        { name: "bring-up", from: "alloc", to: "start", open: false },
        { name: "teardown", from: "teardown-start", open: false },
      ]);
      const [up, teardown] = phases;
      const chain =
        up?.chain.map(({ step, ranks, attempt }) => `${step} ${ranks} ${attempt}`) ?? [];
      t.match(chain[0], /^stage 0/);
      t.match(chain.join(), "kubeadm-join 1 1,kubeadm-join 1 2,sync-external-ip 0 1");
      t.equal(chain.at(-1), "wait-ready 0 1");
      const { before = 0, steps = 0, between = 0, after = 0, total = 0 } = up?.seconds ?? {};
      t.ok(Math.abs(before + steps + between + after - total) < 0.01);
      // `between` includes the pause before the second try.
      t.ok(between >= 0.9 && before > 0 && after > 0, JSON.stringify(up?.seconds));
      t.match(teardown?.chain, [{ step: "down-v" }]);
      const { stdout } = await flux.run(["flux", "usernetes", "timeline", job], { COLUMNS: "100" });
      t.match(stdout, new RegExp(`^${job}: 3 nodes, bring-up [0-9.]+s, teardown [0-9.]+s\n`));
      t.match(stdout, /\n\* {3}try 2 +node1 \(rank 1\) +[0-9.]+s +█/);
      t.match(stdout, /\nkubeadm-join: failed on node1 \(rank 1\): exit 2: injected fault/);
      for (const line of stdout.split("\n").slice(3, 20)) t.ok(line.length <= 100, line);
    },
  );

  await t.test("the drawing is written to a file completely or not at all", async (t) => {
    const directory = join(flux.place.common, "drawings");
    mkdirSync(directory);
    const file = join(directory, "up.svg");
    writeFileSync(join(directory, "there"), "old");
    symlinkSync("there", file);
    t.match(await usernetes("timeline", "--svg", file, job), { exitCode: 0, stdout: "" });
    const svg = readFileSync(join(directory, "there"), "utf8");
    t.match(svg, `<title id="title">Kubernetes for job ${job}: 3 nodes ready in `);
    t.equal((await usernetes("timeline", "--svg", "-", job)).stdout, svg);
    const nowhere = join(directory, "no", "up.svg");
    t.match(await usernetes("timeline", "--svg", nowhere, job), {
      exitCode: 1,
      stderr: `flux-usernetes: ${nowhere}: cannot be written: ENOENT: no such file or directory\n`,
    });
    t.notOk(existsSync(nowhere));
    t.match(await usernetes("timeline", "--svg", directory, job), { exitCode: 1 });
    // A device is written to directly and not replaced by a file.
    t.match(await usernetes("timeline", "--svg", "/dev/null", job), { exitCode: 0 });
    t.match(await usernetes("timeline", "--svg", "x.svg", "--json", job), { exitCode: 2 });
  });

  await t.test("a running bring-up is shown up to now", async (t) => {
    flux.fault("node1.up", "hang");
    job = await flux.submit("-N2", "sleep", "60");
    await flux.waitForRecord(job, "step-finish", "step=up");
    const [up] = (await timeline(job)).phases;
    t.match(up, { to: "now", open: true });
    t.match(up?.chain.at(-1), { step: "up", hosts: ["node1"] });
    t.match((await usernetes("timeline", job)).stdout, /\nwaiting for up on node1 \(rank 1\)/);
    await flux.flux("cancel", job);
    flux.fault("node1.up", undefined);
    await flux.waitForEnd(job);
    t.match((await usernetes("timeline", job)).stdout, "bring-up canceled after ");
  });

  await t.test("the instance's own cluster has a timeline, too", async (t) => {
    const text = (await flux.record(job)).map((event) => `${JSON.stringify(event)}\n`).join("");
    await flux.output("flux", "kvs", "put", "--raw", `usernetes.eventlog=${text}`);
    const { jobid, phases } = await timeline("instance");
    t.equal(jobid, "instance");
    t.match(phases, [
      { from: "claim", to: "settle" },
      { from: "teardown-start", to: "down" },
    ]);
    await flux.output("flux", "kvs", "unlink", "usernetes.eventlog");
  });

  await t.test("a missing timeline is reported", async (t) => {
    const other = await flux.output("flux", "submit", "true");
    const none = `flux-usernetes: ${other}: it did not ask for a cluster\n`;
    t.match(await usernetes("timeline", other), { exitCode: 1, stdout: "", stderr: none });
    t.match(await usernetes("timeline", "12345"), { exitCode: 1, stderr: /there is no job/ });
    t.match(await usernetes("timeline", "instance"), { exitCode: 1, stderr: /whole instance/ });
    t.match(await usernetes("timeline"), { exitCode: 2 });
  });
});
