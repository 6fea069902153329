/** Jobs that request an engine, with the commands of each engine. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ENGINES } from "../../lib/usernetes/engine.js";
import { life } from "./life.js";

life(async (t, flux) => {
  await flux.startDaemon();
  const log = () => readFileSync(join(flux.place.testbed, "steps.log"), "utf8").split("\n");
  for (const engine of ENGINES)
    await t.test(`a job gets ${engine} if it asks for that engine`, async (t) => {
      const before = flux.startedSteps().length;
      const asked = `--setattr=attributes.user.usernetes_engine=${engine}`;
      const seen = flux.script('kubectl get nodes; cat "$USERNETES_WORKDIR"/.usernetes/engine');
      const job = await flux.submit("-N2", "-n2", asked, seen);
      await flux.waitForEnd(job);
      const record = await flux.record(job);
      t.match(record[0]?.context, { engine });
      t.match(record.at(-1), { name: "down", context: { left: { length: 0 } } });
      const { stdout } = await flux.flux("job", "attach", job);
      t.equal(stdout.match(/ Ready /g)?.length, 2, stdout);
      t.match(stdout, `${engine}\n`);
      const started = log()
        .filter((line) => line.includes(" begin "))
        .slice(before);
      t.ok(started.length > 0);
      for (const line of started) t.match(line, new RegExp(` engine=${engine}$`));
      t.same(await flux.leftovers(), []);
    });
  await flux.stopDaemon();
}, 'engines = ["docker", "podman", "nerdctl"]');
