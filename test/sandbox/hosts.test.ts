/** Tests that each rank's private disk has the same path on all ranks and stays separate. */
import { existsSync, readFileSync } from "node:fs";
import t from "tap";
import { LineTranslator } from "./host.js";
import { startInstance } from "./start-instance.js";

t.test("a path on a host's own disk is that host's wherever it is used", async (t) => {
  const sandbox = await startInstance({ size: 11, pace: 0 });
  t.teardown(() => sandbox.stop());
  const workdir = (await sandbox.flux(["config", "get", "usernetes.workdir"])).stdout.trim();
  t.equal(workdir, sandbox.disk(0));
  const script = `mkdir -p "$1" && echo "$1" > "$1/name" && cat`;
  const argv = ["exec", "-r", "1,10", "sh", "-c", script, "sh", `${workdir}/x`];
  const { stdout } = await sandbox.flux(argv, `${workdir}/in\n`);
  t.equal(stdout, `${workdir}/in\n${workdir}/in\n`);
  for (const rank of [1, 10])
    t.equal(readFileSync(`${sandbox.disk(rank)}/x/name`, "utf8"), `${sandbox.disk(rank)}/x\n`);
  t.notOk(existsSync(`${sandbox.disk(0)}/x`));
  t.notOk(existsSync(`${sandbox.root}/hosts/self`));
});

t.test("lines are translated completely, however they arrive", (t) => {
  const got: string[] = [];
  const translator = new LineTranslator(
    (text) => text.replaceAll("abc", "x"),
    (chunk) => got.push(chunk.toString()),
  );
  for (const text of ["1 a", "bc ƒ\n2 ab", "c\n3 abc"]) translator.write(Buffer.from(text));
  t.same(got, ["1 x ƒ\n", "2 x\n"]);
  translator.end();
  t.equal(got.join(""), "1 x ƒ\n2 x\n3 x");
  t.end();
});

t.test("a lost rank is reported, and the others still run", async (t) => {
  const sandbox = await startInstance({ size: 3, pace: 0 });
  t.teardown(() => sandbox.stop());
  const job = (await sandbox.flux(["submit", "-N3", "sleep", "60"])).stdout.trim();
  await sandbox.flux(["job", "wait-event", job, "start"]);
  sandbox.instance.loseRank(2);
  const { stdout } = await sandbox.flux(["job", "wait-event", "-f", "json", job, "exception"]);
  t.match(JSON.parse(stdout), { context: { type: "exec", note: "node failure on node2" } });
  t.match(await sandbox.flux(["exec", "-n", "-l", "-r", "1-2", "hostname"]), {
    exitCode: 68,
    stdout: "1: node1\n",
    stderr: "flux-exec: Error: rank 2: hostname: No route to host\n",
  });
});
