/** The metrics endpoint while jobs run. */
import { readFileSync, writeFileSync } from "node:fs";
import { freePort, scrape, sum, taken, type Scraped } from "../fakes/scrape.js";
import { life } from "./life.js";

life(async (t, flux) => {
  flux.logLevel = "info";
  const port = await freePort();
  const file = flux.table(`metrics-listen = "${port}"\nteardown-timeout = "2s"\n`);
  await flux.startDaemon("--config", file);
  /** Scrapes the metrics until the condition is true, and returns them. */
  const until = async (is: (scraped: Scraped) => boolean, at = port): Promise<Scraped> => {
    for (let tries = 0; ; tries++) {
      const scraped = await scrape(at).catch(() => undefined);
      if (scraped && is(scraped)) return scraped;
      if (tries > 100)
        throw new Error(
          `never: ${[...(scraped ?? [])]
            .filter(([key]) => !key.includes("_bucket"))
            .join(" ")
            .slice(0, 2000)}`,
        );
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };

  await t.test("each life is counted as it proceeds", async (t) => {
    flux.fault("node1.kubeadm-join", "exit 2 once");
    const job = await flux.submit("-N2", "sleep", "300");
    await flux.output("flux", "job", "wait-event", "-t", "40s", job, "start");
    const got = await until((it) => sum(it, "usernetes_holds_total") === 1);
    const count = (name: string, ...labels: string[]) => sum(got, `usernetes_${name}`, ...labels);
    t.equal(count("clusters", "ready"), 1);
    t.equal(count("clusters"), 1);
    t.equal(count("holds_total", "in_time"), 1);
    t.equal(count("settles_total", "ready"), 1);
    t.equal(count("step_retries_total"), 1);
    t.equal(count("step_retries_total", "kubeadm-join"), 1);
    t.equal(count("step_seconds_count", '"up"', '"ok"'), 2);
    t.equal(count("step_seconds_count", "kubeadm-join", "failed"), 1);
    t.equal(count("bring_up_seconds_count", "ready"), 1);
    t.equal(count("nodes_ready_seconds_count"), 1);
    t.ok(count("nodes_ready_seconds_sum") <= count("bring_up_seconds_sum", "ready"));
    t.equal(count("teardowns_total"), 0);
    await flux.flux("cancel", job);
    await flux.waitForEnd(job);
    await until((it) => sum(it, "usernetes_teardowns_total", "clean") === 1);
  });

  await t.test("a failed bring-up and the leftovers of a teardown are counted", async (t) => {
    const faults = ["any.kubeadm-init", "any.down-v"];
    const engines = [0, 1, 2, 3].map((rank) => `node${rank}.engine`);
    for (const where of [...faults, ...engines]) flux.fault(where, "exit 2");
    const job = await flux.submit("-N1", "true");
    await flux.waitForEnd(job);
    const got = await until((it) => sum(it, "usernetes_teardowns_total", "left") === 1);
    const count = (name: string, ...labels: string[]) => sum(got, `usernetes_${name}`, ...labels);
    t.equal(count("settles_total", "failed"), 1);
    t.equal(count("holds_total"), 1);
    t.equal(count("leftover_nodes"), 1);
    await until((it) => sum(it, "usernetes_clusters", "left") === 1);
    for (const where of [...faults, ...engines]) flux.fault(where, undefined);
    await flux.output("flux", "usernetes", "clean", job);
    await until((it) => sum(it, "usernetes_leftover_nodes") === 0);
  });

  await t.test("a restart of the bridge is counted", async () => {
    flux.signalChildren("bridge.py", "SIGKILL");
    await until((it) => sum(it, "usernetes_bridge_restarts_total") === 1);
  });

  await t.test(
    "a reload moves the listener, and a port in use does not stop the daemon",
    async (t) => {
      const other = await taken();
      const text = readFileSync(file, "utf8");
      const reload = (port: string) => {
        writeFileSync(file, text.replace(/metrics-listen.*\n/, port));
        flux.signalDaemon("SIGHUP");
      };
      const printed = async (words: RegExp) => {
        for (let tries = 0; !words.test(flux.daemonLog) && tries < 100; tries++)
          await new Promise((resolve) => setTimeout(resolve, 100));
        t.match(flux.daemonLog, words);
      };
      reload(`metrics-listen = ":${other.port}"\n`);
      await printed(/metrics-listen: 127\.0\.0\.1:[0-9]+: .*EADDRINUSE/);
      await t.rejects(scrape(port));
      await new Promise((resolve) => other.server.close(resolve));
      flux.signalDaemon("SIGHUP");
      const got = await until(() => true, other.port);
      t.equal(sum(got, "usernetes_settles_total", "ready"), 1);
      reload("");
      await printed(/configuration reloaded[^]*configuration reloaded[^]*configuration reloaded/);
      await t.rejects(scrape(other.port));
      t.equal(await flux.stopDaemon(), 0);
    },
  );
});
