/** `hold = "perilog"`: Flux's own prolog and epilog run this package's scripts and hold the job. */
import { until } from "../hosts/until.js";
import { join } from "node:path";
import { PACKAGE } from "../sandbox/paths.js";
import { readDocument } from "../docs/documents.js";
import { differences, screensIn } from "../docs/screens.js";
import type { Entry } from "./flux.js";
import { life } from "./life.js";

const script = (kind: string) => join(PACKAGE, "etc/flux/system", `${kind}.d`, "usernetes");

/** Runs the scripts of prolog.d or epilog.d in a loop, as a site's own script does. */
const loop = (kind: string) =>
  `for file in ${join(PACKAGE, "etc/flux/system", `${kind}.d`)}/*; do "$file" || exit; done`;

const table = (command: (kind: string) => string[], perRank: boolean) =>
  ["prolog", "epilog"]
    .map(
      (kind) =>
        `[job-manager.${kind}]\ncommand = ${JSON.stringify(command(kind))}\nper-rank = ${perRank}\n`,
    )
    .join("");

const WAYS: [string, string][] = [
  ["alone, on rank 0", table((kind) => [script(kind)], false)],
  ["from a site's own, on each node", table((kind) => ["sh", "-c", loop(kind)], true)],
];

const PAGE = "docs/admin/configure.md";
const SCREEN = screensIn(PAGE, readDocument(PAGE)).find(({ command }) =>
  command.startsWith("flux dmesg"),
);

for (const [way, perilog] of WAYS)
  life(async (t, flux) => {
    await flux.startDaemon();
    /** The names of the job's events and of its record's entries, in the order of time. */
    const reported = async (job: string) => {
      const entries = [...(await flux.events(job)), ...(await flux.record(job))];
      return entries.toSorted((a, b) => a.timestamp - b.timestamp).map(({ name }) => name);
    };
    const fatal = (events: Entry[]) =>
      events.find(({ name, context }) => name === "exception" && context?.["severity"] === 0);

    await t.test(
      `a job with ${way} starts with its cluster, and ends when it is removed`,
      async (t) => {
        const job = await flux.submit("-N2", "sh", "-c", "kubectl get nodes");
        await flux.waitForEnd(job);
        t.match((await flux.flux("job", "attach", job)).stdout, /u7s-node[0-3] +Ready/);
        const wanted = [
          "prolog-start",
          "settle",
          "prolog-finish",
          "start",
          "down",
          "finish",
          "epilog-finish",
          "free",
        ];
        t.same(
          (await reported(job)).filter((name) => wanted.includes(name)),
          wanted,
          "in order, and once each",
        );
        const events = await flux.events(job);
        t.notOk(
          events.some(({ context }) => context?.["description"] === "usernetes"),
          "the daemon holds nothing",
        );
        const log = await flux.output("flux", "dmesg");
        for (const line of [
          `waiting for the cluster of ${job}`,
          `the cluster of ${job} is ready`,
          `the cluster of ${job} has been removed`,
        ])
          t.match(log, new RegExp(`job-manager.*${job}: (prolog|epilog): .*usernetes: ${line}`));
        if (!SCREEN) throw new Error(`${PAGE} has no screen of flux dmesg`);
        const { stdout } = await flux.run(["sh", "-c", SCREEN.command]);
        t.strictSame(differences(SCREEN, stdout), { onlyInDocument: [], onlyInRun: [] }, PAGE);
        t.same(await flux.leftovers(), []);
      },
    );

    await t.test(`a job that does not ask is not delayed with ${way}`, async (t) => {
      for (const more of [[], ["--setattr=attributes.user.usernetes=no"]]) {
        const job = await flux.output("flux", "submit", "-N2", ...more, "true");
        await flux.waitFor(job, "clean", "10s");
        t.same(await flux.record(job), []);
      }
    });

    await t.test(`a job with ${way} gets its held time back before it starts`, async (t) => {
      flux.takes("kubeadm-init", 2);
      const job = await flux.submit("-N1", "-t", "1.5s", "sleep", "0.5");
      await flux.waitForEnd(job);
      t.equal(fatal(await flux.events(job)), undefined);
      flux.takes("kubeadm-init", 0.1);
    });

    await t.test(`a failed bring-up with ${way} fails the job and drains no node`, async (t) => {
      flux.fault("any.kubeadm-init", "exit 3");
      const job = await flux.submit("-N2", "true");
      await flux.waitForEnd(job);
      flux.fault("any.kubeadm-init", undefined);
      const events = await flux.events(job);
      t.match(fatal(events), { context: { type: "usernetes", note: /kubeadm-init failed/ } });
      t.notOk(
        events.some(({ name }) => name === "start"),
        "it never starts",
      );
      t.match(await flux.flux("run", "-N4", "true"), { exitCode: 0 }, "no node is drained");
      t.same(await flux.leftovers(), []);
    });

    await t.test(`a job that is canceled while it waits with ${way} ends at once`, async (t) => {
      flux.fault("any.kubeadm-init", "hang");
      const job = await flux.submit("-N2", "true");
      await flux.waitFor(job, "prolog-start");
      await until(
        "kubeadm-init",
        () => flux.startedSteps().at(-1)?.endsWith("kubeadm-init") === true,
      );
      await flux.output("flux", "cancel", job);
      await flux.waitForEnd(job, "20s");
      flux.fault("any.kubeadm-init", undefined);
      t.same(await flux.leftovers(), []);
    });

    await t.test(`a debug job with ${way} is held until it is released`, async (t) => {
      const debug = "--setattr=attributes.user.usernetes_debug=yes";
      const job = await flux.submit("-N1", debug, "true");
      await flux.waitForRecord(job, "settle");
      // Another job runs from start to end while this job is held.
      await flux.output("flux", "run", "-N1", "true");
      t.notOk((await reported(job)).includes("start"));
      await flux.output("flux", "job", "memo", job, "usernetes.release=true");
      await flux.waitFor(job, "start", "15s");
      await flux.waitForEnd(job);
      t.equal((await flux.run(["flux-usernetes", "clean", job])).exitCode, 0, "it was kept");
      t.same(await flux.leftovers(), []);
    });
  }, `hold = "perilog"\n[job-manager]\nplugins = [{ load = "perilog.so" }]\n${perilog}`);
