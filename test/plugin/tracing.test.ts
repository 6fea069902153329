/** Each effect of the daemon is traced with its duration. */
import t from "tap";
import type { LogFields } from "../../lib/log.js";
import { traceEffects } from "../../plugin/tracing.js";
import { Life } from "../fakes/life.js";

t.test("each effect is traced before it starts and after it has ended", async (t) => {
  const life = new Life();
  const reported: string[] = [];
  const facts: LogFields[] = [];
  const world = traceEffects(life.world, (text, more) => {
    reported.push(text);
    facts.push(more);
  });
  life.world.flux.lookup = (key) => {
    reported.push(key);
    return Promise.resolve("R");
  };
  t.equal(await world.flux.lookup("job.R"), "R");
  t.strictSame(reported, ["lookup: begins", "job.R", "lookup: done"]);
  t.strictSame(facts[0], { effect: "lookup", status: "begins" });
  life.world.flux.drain = () => Promise.reject(new Error("no such rank"));
  await t.rejects(world.flux.drain("3", "why"), /no such rank/);
  t.equal(reported.at(-1), "drain: no such rank");
  await world.flux.post(life.jobid, "prolog-finish", {});
  t.equal(reported.at(-1), "post prolog-finish: done");
});

t.test("every effect of a world is traced", (t) => {
  const { world } = new Life();
  const same = traceEffects(world, () => undefined);
  t.not(same.run, world.run);
  const verbs = ["post", "memo", "raise", "update", "commit", "lookup", "drain"] as const;
  for (const verb of verbs)
    t.not(Reflect.get(same.flux, verb), Reflect.get(world.flux, verb), verb);
  t.end();
});

t.test("a command is traced without its script", async (t) => {
  const { world } = new Life();
  const reports: string[] = [];
  const { run } = traceEffects(world, (text) => reports.push(text));
  const argv = ["flux", "archive", "create", "--overwrite", "-C", "/", "x"];
  world.run = () =>
    Promise.resolve({ exitCode: 0, stdout: "", stderr: "", timedOut: false, reason: "" });
  await run({ argv, env: {}, timeoutMs: 1 });
  t.strictSame(reports, [
    "flux archive create --overwrite: begins",
    "flux archive create --overwrite: done",
  ]);
});
