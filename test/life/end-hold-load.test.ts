/**
 * A job's nodes are kept until its cluster is removed, however high the load is. The tests run many
 * short jobs on one to four nodes, with the shell plugin and without it. They also measure how long
 * `flux run` takes from its start to the prompt.
 *
 * Without the plugin, nodes may be free too early. The test then prints how many are, and compares
 * the daemon's metrics and log with Flux's own events.
 *
 * USERNETES_LOAD_JOBS="500 400" runs 500 jobs with the plugin and 400 without it on a real Flux.
 */
import { loadavg } from "node:os";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import tap from "tap";
import { kvsDirectory, parseJobid } from "../../lib/flux/jobid.js";
import { freePort, scrape } from "../fakes/scrape.js";
import type { Entry } from "./flux.js";
import { life } from "./life.js";

const [WITH = 40, WITHOUT = WITH] = (process.env["USERNETES_LOAD_JOBS"] ?? "40")
  .split(" ")
  .map(Number);
const JOBS = { real: WITH, embedded: 12 };
const RUNS = { real: 10, embedded: 1 };
/** The number of jobs that one command submits. */
const AT_ONCE = 5;
const KINDS = ["true", "sleep 1", "exit 3"];

/** The nodes and the kind of the job with this number. */
function kindOf(number: number): { nodes: number; kind: string } {
  const command = Math.floor(number / AT_ONCE);
  return {
    nodes: 1 + (command % 4),
    kind: KINDS[command % KINDS.length] ?? "",
  };
}

tap.setTimeout(7_200_000);

life(async (t, flux) => {
  for (const target of ["up", "kubeadm-init", "install-flannel", "join-command"])
    flux.takes(target, 0);
  flux.logLevel = "info";
  const port = await freePort();
  await flux.startDaemon("--config", flux.table(`metrics-listen = "${port}"\n`));
  // Loads the system's own shell plugins, but not this package's.
  const initrc = join(flux.place.common, "without-usernetes.lua");
  writeFileSync(initrc, 'plugin.load { file = "*.so", conf = {} }\n');
  const without = ["-o", `initrc=${initrc}`];
  const asks = "--setattr=attributes.user.usernetes=yes";
  const submit = async (count: number, options: string[]): Promise<string[]> => {
    const jobs: string[] = [];
    for (let first = 0; first < count; first += AT_ONCE) {
      const { nodes, kind } = kindOf(first);
      const many = [`--cc=1-${Math.min(AT_ONCE, count - first)}`, `-N${nodes}`, `-n${nodes}`];
      const command = ["-t", "10m", asks, ...options, "sh", "-c", kind];
      jobs.push(...(await flux.output("flux", "submit", ...many, ...command)).split("\n"));
    }
    return jobs;
  };

  /** The eventlogs or records of these jobs. The last entry of each has the name `last`. */
  const eventlogs = async (jobs: string[], key: string, last: string): Promise<Entry[][]> => {
    const keys = jobs.map((job) => `${kvsDirectory(parseJobid(job) ?? 0n)}.${key}`);
    const text = await flux.output("flux", "kvs", "get", "--raw", ...keys);
    const logs: Entry[][] = [];
    for (const line of text.split("\n")) {
      const entry = JSON.parse(line) as Entry;
      const isNext = logs.at(-1)?.at(-1)?.name === last;
      if (logs.length === 0 || isNext) logs.push([]);
      logs.at(-1)?.push(entry);
    }
    return logs;
  };

  const at = (entries: Entry[], name: string) =>
    entries.find((entry) => entry.name === name)?.timestamp ?? NaN;

  /**
   * Runs `count` jobs. `late`: the jobs whose nodes were free before `down`. `impatient`: the jobs
   * that finished before `down`.
   */
  const play = async (count: number, options: string[]) => {
    const loads: number[] = [];
    const sampling = setInterval(() => loads.push(loadavg()[0] ?? 0), 5000);
    const began = Date.now();
    const jobs = await submit(count, options);
    for (const job of jobs) await flux.waitForEnd(job, "3600s");
    clearInterval(sampling);
    const events = await eventlogs(jobs, "eventlog", "clean");
    const records = await eventlogs(jobs, "usernetes.eventlog", "down");
    const late = jobs.filter(
      (_, i) => !(at(events[i] ?? [], "free") >= at(records[i] ?? [], "down")),
    );
    const impatient = jobs.filter(
      (_, i) => !(at(events[i] ?? [], "finish") >= at(records[i] ?? [], "down")),
    );
    const load = loads.reduce((sum, each) => sum + each, 0) / Math.max(1, loads.length);
    const seconds = Math.round((Date.now() - began) / 1000);
    tap.comment(
      `${flux.kind}: ${late.length} of ${jobs.length} jobs were free before down; ${seconds} s, load ${load.toFixed(1)}`,
    );
    return { jobs, late, impatient, events };
  };

  const counted = async (by: string) =>
    (await scrape(port)).get(`usernetes_end_holds_total{by="${by}"}`) ?? NaN;
  const logged = () =>
    new Set(
      flux.daemonLog
        .match(/"job":"[^"]+","msg":"[^"]+: late epilog: /g)
        ?.map((line) => line.split('"')[3]),
    );

  await t.test(
    "no job's nodes are free before its cluster is removed, with the shell plugin",
    async (t) => {
      const { jobs, late, impatient, events } = await play(JOBS[flux.kind], []);
      t.same(late, []);
      t.equal(await counted("shell"), jobs.length);
      t.equal(await counted("late"), 0);
      t.same([...logged()], []);
      const held = jobs.filter((_, i) => events[i]?.some(({ name }) => name === "epilog-start"));
      t.same(held, impatient, "only a job whose shell did not wait for the end has an epilog");
      t.comment(`${impatient.length} shells did not wait for the end: their daemon was too slow`);
      for (const [i, log] of events.entries()) {
        const status = log.find(({ name }) => name === "finish")?.context?.["status"];
        t.equal(status, kindOf(i).kind === "exit 3" ? 3 << 8 : 0, jobs[i] ?? "");
      }
    },
  );

  await t.test(
    "late teardowns are counted and logged without the shell plugin",
    { skip: flux.kind !== "real" },
    async (t) => {
      const { jobs, late } = await play(WITHOUT, without);
      t.equal(await counted("late"), late.length);
      t.equal(await counted("epilog"), jobs.length - late.length);
      t.same([...logged()].toSorted(), late.toSorted());
    },
  );

  await t.test("flux run takes this long from its start to the prompt", async (t) => {
    const ways = {
      "no cluster": [],
      "the plugin": [asks],
      "the epilog": [asks, ...without],
    };
    for (const [way, options] of Object.entries(ways)) {
      if (way === "the epilog" && flux.kind !== "real") continue;
      const seconds: number[] = [];
      for (let run = 0; run < RUNS[flux.kind]; run++) {
        const began = Date.now();
        const { exitCode, stderr } = await flux.flux("run", "-N2", ...options, "true");
        t.equal(exitCode, 0, stderr);
        seconds.push((Date.now() - began) / 1000);
      }
      const [median = NaN] = seconds.toSorted((a, b) => a - b).slice(seconds.length >> 1);
      tap.comment(
        `${flux.kind}: flux run -N2 true with ${way}: ${median.toFixed(2)} s (${Math.min(...seconds)} to ${Math.max(...seconds)}), load ${loadavg()[0]?.toFixed(1)}`,
      );
    }
    t.same(await flux.leftovers(), []);
  });
});
