/** The text that the metrics endpoint serves. */
import { execa } from "execa";
import t from "tap";
import { packagePath } from "../../lib/host/package.js";
import { clusterCounts } from "../../plugin/metrics/cluster-counts.js";
import { Metrics } from "../../plugin/metrics/metrics.js";
import { MetricsSwitch } from "../../plugin/metrics/switch.js";
import { OpenClusters } from "../../plugin/open-clusters.js";
import { claimOf } from "../fakes/clusters.js";
import { freePort, scrape, sum, taken } from "../fakes/scrape.js";

const host = "127.0.0.1";

function setUp(test: { teardown(act: () => void): void }) {
  const printed: string[] = [];
  const open = new OpenClusters();
  const metrics = new MetricsSwitch(
    clusterCounts(() => ["ready", "ready", "waiting"], open),
    (level, text) => printed.push(`${level}: ${text}`),
  );
  test.teardown(() => {
    metrics.close();
  });
  return { logged: printed, open, metrics };
}

t.test("all metrics are counted without a job, a user or a host", async (t) => {
  const { metrics, open } = setUp(t);
  const port = await freePort();
  await metrics.apply({ host, port });
  metrics.step({ step: "up", status: "ok", seconds: 2.2 });
  metrics.step({ step: "up", status: "failed", seconds: 0.01 });
  metrics.retry("up", 3);
  metrics.hold(true);
  metrics.hold(false);
  metrics.hold(false);
  metrics.nodesReady(6.5);
  metrics.settle("ready", 10.5);
  metrics.settle("canceled", undefined);
  metrics.endHold("shell");
  metrics.endHold("late");
  metrics.teardown(0);
  metrics.teardown(2);
  metrics.bridgeRestart();
  const claim = claimOf("0-2", ["a", "b", "c"]);
  open.add({ jobid: "1", claim, left: [0, 2] });
  open.add({ jobid: "2", claim, left: [0, 1, 2], kept: true });
  open.add({ jobid: "3", claim });
  open.add({ jobid: "0", claim, left: [1] });
  const got = await scrape(port);
  const is = (key: string, value: number) => t.equal(got.get(`usernetes_${key}`), value, key);
  is('step_seconds_bucket{le="2.5",step="up",outcome="ok"}', 1);
  is('step_seconds_bucket{le="1",step="up",outcome="ok"}', 0);
  is('step_seconds_bucket{le="0.05",step="up",outcome="failed"}', 1);
  is('step_retries_total{step="up"}', 3);
  is('holds_total{when="in_time"}', 1);
  is('holds_total{when="late"}', 2);
  is('end_holds_total{by="shell"}', 1);
  is('end_holds_total{by="epilog"}', 0);
  is('end_holds_total{by="late"}', 1);
  is('settles_total{outcome="ready"}', 1);
  is('settles_total{outcome="canceled"}', 1);
  is('settles_total{outcome="failed"}', 0);
  is('bring_up_seconds_sum{outcome="ready"}', 10.5);
  is("nodes_ready_seconds_sum", 6.5);
  t.equal(sum(got, "usernetes_bring_up_seconds_count"), 1);
  is('teardowns_total{result="clean"}', 1);
  is('teardowns_total{result="left"}', 1);
  is("bridge_restarts_total", 1);
  is("leftover_nodes", 2);
  for (const [state, count] of Object.entries({ ready: 2, waiting: 1, left: 1, kept: 1, held: 0 }))
    is(`clusters{state="${state}"}`, count);
  t.equal(sum(got, "usernetes_build_info", 'version="', `node="${process.versions.node}"`), 1);
  t.ok(sum(got, "process_resident_memory_bytes") > 10e6);
  t.ok(sum(got, "process_cpu_seconds_total") > 0.01);
  t.ok(Math.abs(sum(got, "process_start_time_seconds") - Date.now() / 1000) < 600);
  const labels = new Set([...got.keys()].flatMap((key) => key.match(/[a-z]+(?==")/g) ?? []));
  t.same([...labels].sort(), [
    "by",
    "le",
    "node",
    "outcome",
    "result",
    "state",
    "step",
    "version",
    "when",
  ]);
});

t.test("only GET /metrics is answered, on the configured address", async (t) => {
  const { metrics } = setUp(t);
  const port = await freePort();
  await metrics.apply({ host, port });
  const status = async (path: string, method = "GET") => {
    const response = await fetch(`http://${host}:${port}${path}`, { method });
    await response.text();
    return response.status;
  };
  t.equal(await status("/metrics?x=1"), 200);
  t.equal(await status("/"), 404);
  t.equal(await status("/metrics/x"), 404);
  t.equal(await status("/metrics", "POST"), 405);
  const { headers } = await fetch(`http://${host}:${port}/metrics`);
  t.match(headers.get("content-type"), /^text\/plain; version=0\.0\.4/);
  await t.rejects(scrape(port, "127.0.0.2"));
});

t.test("a port in use is one warning, and is tried again on request", async (t) => {
  const { metrics, logged: messages } = setUp(t);
  const { port, server } = await taken();
  await metrics.apply({ host, port });
  const again = "tried again at the next reload of the configuration";
  t.equal(messages.length, 1);
  t.match(
    messages[0],
    new RegExp(`^warn: metrics-listen: ${host}:${port}: .*EADDRINUSE.*; ${again}$`),
  );
  metrics.settle("ready", 1);
  await new Promise((resolve) => server.close(resolve));
  await metrics.apply({ host, port });
  t.equal(messages[1], `info: metrics: http://${host}:${port}/metrics`);
  t.equal(sum(await scrape(port), "usernetes_settles_total", "ready"), 1);
});

t.test("the listener moves, stops and starts as configured", async (t) => {
  const { metrics, logged } = setUp(t);
  const [one, two] = [await freePort(), await freePort()];
  await metrics.apply(undefined);
  metrics.settle("ready", 1);
  await metrics.apply({ host, port: one });
  await metrics.apply({ host, port: one });
  t.equal(logged.length, 1);
  t.equal(sum(await scrape(one), "usernetes_settles_total"), 0);
  metrics.settle("ready", 1);
  await metrics.apply({ host, port: two });
  await t.rejects(scrape(one));
  t.equal(sum(await scrape(two), "usernetes_settles_total"), 1);
  await metrics.apply(undefined);
  await t.rejects(scrape(two));
  await Promise.all([metrics.apply({ host, port: one }), metrics.apply({ host, port: two })]);
  await t.rejects(scrape(one));
  t.equal(sum(await scrape(two), "usernetes_settles_total"), 0);
});

t.test("no code of metrics is loaded without the key", async (t) => {
  const loads = async (module: string) => {
    const script = `await import(process.argv[1]); const { Module } = await import("node:module");
      console.log(Object.keys(Module._cache).join("\\n"));`;
    const argv = ["--input-type=module", "-e", script, packagePath("dist", "plugin", module)];
    return (await execa(process.execPath, argv, { env: { NODE_OPTIONS: "" } })).stdout;
  };
  t.match(await loads("metrics/metrics.js"), "/prom-client/");
  t.notMatch(await loads("main.js"), "/prom-client/");
});

t.test("the daemon's registry does not keep others from their own", async (t) => {
  const counts = { clusters: () => new Map(), leftNodes: () => 0 };
  const [a, b] = [new Metrics(counts), new Metrics(counts)];
  a.bridgeRestart();
  t.match(await a.text(), "usernetes_bridge_restarts_total 1");
  t.match(await b.text(), "usernetes_bridge_restarts_total 0");
});
