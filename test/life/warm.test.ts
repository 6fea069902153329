/** `flux usernetes warm` on four nodes. */
import { until } from "../hosts/until.js";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { spawnCommand } from "../hosts/run-command.js";
import { PACKAGE } from "../sandbox/paths.js";
import { life } from "./life.js";

interface Report {
  ok: boolean;
  engine: string;
  nodes: { rank: number; host: string; status: string; note: string; seconds: number }[];
}

const WARM = [join(PACKAGE, "bin/flux-usernetes"), "warm", "--pass-env", "TESTBED"];

life(async (t, flux) => {
  const warm = (...args: string[]) => flux.run([...WARM, ...args]);
  const json = async (...args: string[]) => {
    const { stdout, exitCode } = await warm("--json", ...args);
    const { nodes, ...all } = JSON.parse(stdout) as Report;
    const reported = nodes.toSorted((a, b) => a.rank - b.rank);
    return {
      ...all,
      exitCode,
      reports: reported.map(({ host, status }) => `${host} ${status}`),
      nodes,
    };
  };
  /** The lines of the stand-in engines' log that contain this text. */
  const called = (words: string) =>
    readFileSync(join(flux.place.testbed, "engine.log"), "utf8")
      .split("\n")
      .filter((line) => line.includes(words));

  await t.test("every node builds the image and is reported", async (t) => {
    flux.takes("build", 0.2);
    const { exitCode, stdout, stderr } = await warm();
    t.equal(exitCode, 0, stderr);
    t.equal(stdout, "4 of 4 nodes have the image\n");
    const lines = stderr.trimEnd().split("\n");
    t.equal(lines.shift(), "warming 4 nodes with docker");
    for (const [rank, line] of lines.toSorted().entries())
      t.match(line, new RegExp(`^node${rank} \\(rank ${rank}\\): image ready after [0-9.]+ s$`));
    t.equal(lines.length, 4);
    t.equal(called("docker compose -p usernetes_warm build").length, 4);
  });

  await t.test("a repeated run changes nothing", async (t) => {
    const { exitCode, stderr } = await warm("--rank", "0-1");
    t.equal(exitCode, 0);
    for (const line of stderr.trimEnd().split("\n").slice(1))
      t.match(line, /^node[01] \(rank [01]\): image already present \([0-9.]+ s\)$/);
  });

  await t.test("a changed template is built again", async (t) => {
    const template = flux.template("played");
    appendFileSync(join(template, "Makefile"), "# mine\n");
    const file = flux.table("", { template });
    t.match(await json("--config", file, "--rank", "3"), { reports: ["node3 made"] });
  });

  await t.test("a failed node is reported with its engine's message", async (t) => {
    flux.fault("node2.build", "exit 4");
    const { exitCode, stdout, stderr } = await warm();
    t.equal(exitCode, 1);
    t.equal(stdout, "3 of 4 nodes have the image; not node2\n");
    t.match(stderr, /^node2 \(rank 2\): failed: exit 1: injected fault in build on node2$/m);
    const podman = flux.table('container-engine = "podman"\n');
    const { reports, nodes } = await json("--config", podman, "--rank", "2-3");
    t.same(reports, ["node2 failed", "node3 already"], "podman-compose gives 0 all the same");
    t.match(nodes.find(({ rank }) => rank === 2)?.note, "injected fault");
    flux.fault("node2.build", undefined);
  });

  await t.test("a node that hangs ends at its deadline", async (t) => {
    flux.fault("node1.build", "hang");
    const { reports, nodes } = await json("--rank", "0-1", "--timeout", "5s");
    t.same(reports, ["node0 already", "node1 timeout"]);
    t.match(nodes.find(({ rank }) => rank === 1)?.note, "timed out after 5 s");
  });

  await t.test("Ctrl-C stops the builds", async (t) => {
    const { env, common } = flux.place;
    const [command, ...args] = [...WARM, "--rank", "0-1"];
    const { child, ended } = spawnCommand(command, args, { env, cwd: common });
    let printed = "";
    child.stderr.on("data", (chunk: Buffer) => (printed += chunk.toString()));
    await until("node0 is reported", () => /node0 .*\n/.test(printed));
    child.kill("SIGINT");
    t.equal(await ended, 1);
    t.match(printed, /^SIGINT: stopping the builds\nnode1 \(rank 1\): failed: stopped$/m);
    const { stdout } = await flux.run(["sh", "-c", "cat /proc/[0-9]*/cmdline 2>/dev/null"]);
    // A doctor that runs at the same time has the image's name in the pattern of a command.
    t.notMatch(stdout, /usernetes_warm(?!\[-_\])/, "nothing of it runs on");
    flux.fault("node1.build", undefined);
  });

  await t.test("an impossible request is refused in one line", async (t) => {
    const engines = /^flux-usernetes: --engine: found "podman", allowed: docker \(.*\)\n$/;
    const other = await warm("--engine", "podman");
    t.match(other, { exitCode: 2, stdout: "", stderr: engines });
    const nowhere = await flux.run(WARM, { FLUX_URI: "local:///nonexistent" });
    t.match(nowhere, { exitCode: 4, stdout: "" });
  });

  await t.test("an image that is not built is pulled", async (t) => {
    const template = flux.template("played");
    writeFileSync(
      join(template, "docker-compose.yaml"),
      'services:\n  node:\n    hostname: x\n    image: "ready-made:1"\n',
    );
    const file = flux.table("", { template });
    const made = { ok: true, engine: "docker", exitCode: 0, reports: ["node0 made"] };
    t.match(await json("--config", file, "--rank", "0"), made);
    t.equal(called("docker pull ready-made:1").length, 1);
  });

  await t.test("a node that is lost meanwhile is reported as lost", async (t) => {
    flux.fault("node3.build", "hang");
    const before = called("node3 docker compose -p usernetes_warm build").length;
    const going = json("--rank", "2-3");
    await until(
      "node3 builds",
      () => called("node3 docker compose -p usernetes_warm build").length > before,
    );
    await flux.lose(3);
    const { reports } = await going;
    t.same(reports, ["node2 already", "node3 lost"]);
  });
});
