/**
 * Fifty jobs request a cluster among a thousand jobs that do not. No job is lost, and the daemon
 * does not touch the thousand. It needs little memory, because it follows only jobs that have their
 * nodes. The embedded Flux gets fewer jobs, because each of its commands starts a Node.js.
 */
import { watch, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { kvsDirectory, parseJobid } from "../../lib/flux/jobid.js";
import type { Entry } from "./flux.js";
import { life } from "./life.js";
import { processTree } from "./process-tree.js";

const ROUNDS = { real: 10, embedded: 4 };
const ORDINARY = 100;
const ASKING = 5;
const MOST_KB = 150 * 1024;

// Each Flux needs a minute on an idle machine.
t.setTimeout(600_000);

interface Sample {
  /** Seconds since the epoch. */
  at: number;
  followed: bigint[];
  pssKb: number;
}

life(async (t, flux) => {
  for (const target of ["up", "kubeadm-init", "install-flannel", "join-command"])
    flux.takes(target, 0);
  await flux.startDaemon();
  const samples: Sample[] = [];
  const sample = () => {
    const tree = processTree(flux.daemonPid);
    // The time is read after the processes, so that no process in the list is newer.
    const at = Date.now() / 1000;
    const follows = tree.filter(({ command }) => command.includes("--follow"));
    const followed = follows.flatMap(
      ({ command }) => parseJobid(command.split(" ").at(-1) ?? "") ?? [],
    );
    // Commands of the embedded Flux are Node.js processes, so their memory is not counted.
    const counted = flux.kind === "real" ? tree : tree.slice(0, 1);
    samples.push({ at, followed, pssKb: counted.reduce((sum, { pssKb }) => sum + pssKb, 0) });
  };
  // Each job that ends writes a line.
  const finished = join(flux.place.testbed, "finished");
  writeFileSync(finished, "");
  const watcher = watch(finished, sample);
  t.teardown(() => {
    watcher.close();
  });
  const script = flux.script('echo done >>"$TESTBED/finished"');
  const submit = (count: number, ...options: string[]) =>
    flux.output("flux", "submit", `--cc=1-${count}`, "-n1", ...options, script);

  const asking: string[] = [];
  const ordinary: string[] = [];
  for (let round = 0; round < ROUNDS[flux.kind]; round++) {
    ordinary.push(...(await submit(ORDINARY)).split("\n"));
    const asked = await submit(ASKING, "--setattr=attributes.user.usernetes=yes");
    asking.push(...asked.split("\n"));
  }
  for (const job of asking) await flux.waitForEnd(job, "80s");
  await flux.output("flux", "queue", "drain");
  sample();
  watcher.close();

  const keys = (jobs: string[], key: string) =>
    jobs.map((job) => `${kvsDirectory(parseJobid(job) ?? 0n)}.${key}`);
  /** The eventlogs of many jobs, read at once. */
  const eventlogs = async (jobs: string[], key: string): Promise<Entry[][]> => {
    const text = await flux.output("flux", "kvs", "get", "--raw", ...keys(jobs, key));
    const first = key === "eventlog" ? "submit" : "claim";
    const logs: Entry[][] = [];
    for (const line of text.split("\n")) {
      const entry = JSON.parse(line) as Entry;
      if (entry.name === first) logs.push([]);
      logs.at(-1)?.push(entry);
    }
    return logs;
  };

  await t.test("every job succeeds", async (t) => {
    const all = await flux.output("flux", "jobs", "-a", "-c0", "-n", "-o", "{id.f58} {status}");
    const bad = all.split("\n").filter((line) => !line.endsWith(" COMPLETED"));
    t.same(bad, []);
    t.equal(all.split("\n").length, ROUNDS[flux.kind] * (ORDINARY + ASKING));
  });

  await t.test("every job that asked has its cluster, and there are no leftovers", async (t) => {
    const records = await eventlogs(asking, "usernetes.eventlog");
    t.equal(records.length, asking.length);
    const ready = (record: Entry[]) =>
      record.some(({ name, context }) => name === "settle" && context?.["outcome"] === "ready");
    t.ok(records.every(ready), "ready");
    t.ok(
      records.every((record) => record.at(-1)?.name === "down"),
      "and down",
    );
    t.same(await flux.leftovers(), []);
  });

  await t.test("no other job is held", async (t) => {
    const logs = await eventlogs(ordinary, "eventlog");
    t.equal(logs.length, ordinary.length);
    const ours = logs
      .flat()
      .filter(({ name }) => /^(prolog|epilog)-|^memo$|^exception$/.test(name));
    t.same(ours, []);
  });

  await t.test("only jobs that have their nodes are followed", async (t) => {
    const logs = await eventlogs(asking, "eventlog");
    const allocAt = new Map(
      logs.map((log, i) => [
        parseJobid(asking[i] ?? "") ?? 0n,
        log.find(({ name }) => name === "alloc")?.timestamp ?? Infinity,
      ]),
    );
    // The command line of a process that is just starting may be incomplete and name no job.
    const known = new Set([...asking, ...ordinary].map((job) => parseJobid(job)));
    const early = samples.filter(({ at, followed }) =>
      followed.some((id) => known.has(id) && (allocAt.get(id) ?? Infinity) > at),
    );
    t.same(early, []);
    t.ok(
      samples.some(({ followed }) => followed.length > 0),
      "some were seen",
    );
    t.same(samples.at(-1)?.followed, [], "and none is left");
  });

  await t.test("the daemon needs little memory", (t) => {
    const most = Math.max(...samples.map(({ pssKb }) => pssKb));
    const follows = Math.max(...samples.map(({ followed }) => followed.length));
    t.comment(`${samples.length} samples: at most ${most} kB and ${follows} follows`);
    t.ok(most < MOST_KB, `${most} kB`);
    t.end();
  });
});
