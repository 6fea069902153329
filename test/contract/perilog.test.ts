/** Tests of a site's own prolog and epilog, which Flux counts together with this package's. */
import { until } from "../hosts/until.js";
import { BridgeUnderTest } from "./bridge-under-test.js";
import { contract } from "./contract.js";
import { CONFIG, events, eventsUntil, names, output, type Entry } from "./flux-under-test.js";

/**
 * The site's prolog and epilog each run the script that a test has written to the file `prolog` or
 * `epilog` on the host's own disk.
 */
const config = (disk: string): string => {
  const command = (kind: string): string =>
    `command = ["sh", "-c", 'echo "$FLUX_JOB_ID $FLUX_JOB_RANKS $FLUX_JOB_USERID"; test ! -e ${disk}/${kind} || . ${disk}/${kind}']`;
  const table = (kind: string): string =>
    `[job-manager.${kind}]\n${command(kind)}\nper-rank = true\n`;
  return `${CONFIG}[job-manager]\nplugins = [{ load = "perilog.so" }]\n${table("prolog")}${table("epilog")}`;
};

const SITE = (kind: string) => ({ description: `job-manager.${kind}` });
const OURS = { description: "usernetes" };
const uid = process.getuid?.() ?? 0;

contract(async (t, flux) => {
  const on = (ranks: string, script: string, input?: string) =>
    flux.run(
      ["exec", ...(input === undefined ? ["-n"] : []), "-r", ranks, "sh", "-c", script],
      input,
    );
  const play = (ranks: string, kind: string, script: string) =>
    on(ranks, `cat > ${flux.disk}/${kind}`, `${script}\n`);
  const forget = (kind: string) => on("all", `rm -f ${flux.disk}/${kind} ${flux.disk}/go`);
  /** A script that runs until the test creates the file `go`. */
  const waits = `until test -e ${flux.disk}/go; do sleep 0.05; done`;
  const go = () => on("all", `: > ${flux.disk}/go`);
  const perilogs = (log: Entry[]) =>
    log
      .filter(({ name }) => /^(prolog|epilog)-/.test(name))
      .map(({ name, context }) => [name, context]);
  const id = (job: string) => output(flux, "job", "id", "--to=dec", job);
  const log = async (job: string) =>
    (await output(flux, "dmesg")).split("\n").filter((line) => line.includes(job));

  await t.test(
    "prolog and epilog run on each rank, before the start and after the finish",
    async (t) => {
      const job = await output(flux, "submit", "-N2", "true");
      const entries = await eventsUntil(flux, job, "clean");
      t.same(perilogs(entries), [
        ["prolog-start", SITE("prolog")],
        ["prolog-finish", { ...SITE("prolog"), status: 0 }],
        ["epilog-start", SITE("epilog")],
        ["epilog-finish", { ...SITE("epilog"), status: 0 }],
      ]);
      const order = names(entries).filter((name) => name !== "release");
      t.same(order.slice(order.indexOf("alloc")), [
        ...["alloc", "prolog-start", "prolog-finish", "start", "finish"],
        ...["epilog-start", "epilog-finish", "free", "clean"],
      ]);
      const lines = await log(job);
      for (const kind of ["prolog", "epilog"])
        for (const rank of [0, 1])
          t.ok(
            lines.some((line) =>
              line.endsWith(
                `job-manager.info[0]: ${job}: ${kind}: node${rank} (rank ${rank}): stdout: ${job} 0-1 ${uid}`,
              ),
            ),
            `${kind} on rank ${rank}`,
          );
    },
  );

  await t.test("a job can be canceled while its prolog runs", async (t) => {
    await play(
      "all",
      "prolog",
      "trap 'kill $child; trap - TERM; kill $$' TERM; sleep 60 & child=$!; wait",
    );
    const job = await output(flux, "submit", "-N2", "true");
    await eventsUntil(flux, job, "prolog-start");
    await until("both begin", async () => (await log(job)).length === 2);
    await output(flux, "cancel", job);
    const entries = await eventsUntil(flux, job, "clean");
    await forget("prolog");
    t.same(names(entries).slice(names(entries).indexOf("prolog-start")), [
      ...["prolog-start", "exception", "epilog-start", "prolog-finish"],
      ...["epilog-finish", "free", "clean"],
    ]);
    t.match(perilogs(entries)[2], ["prolog-finish", { status: 15 }]);
    t.notMatch(await output(flux, "resource", "drain"), job, "that is no reason to drain");
  });

  await t.test("a failed prolog ends its job and drains the rank", async (t) => {
    await play("1", "prolog", "echo no good >&2; exit 4");
    const job = await output(flux, "submit", "-N4", "true");
    const entries = await eventsUntil(flux, job, "clean");
    await forget("prolog");
    t.same(names(entries).slice(names(entries).indexOf("prolog-start")), [
      ...["prolog-start", "epilog-start", "exception", "prolog-finish", "free", "clean"],
    ]);
    t.match(
      entries.find(({ name }) => name === "exception"),
      {
        context: {
          type: "prolog",
          severity: 0,
          note: "prolog exited with code=4 on node1 (rank 1)",
        },
      },
    );
    t.match(perilogs(entries)[2], ["prolog-finish", { status: 4 << 8 }]);
    t.ok(
      (await log(job)).some((line) =>
        line.includes(`job-manager.err[0]: ${job}: prolog: node1 (rank 1): stderr: no good`),
      ),
    );
    t.match(
      await output(flux, "dmesg"),
      `drain idset=1 nodelist=node1 overwrite=0 reason=prolog failed for job ${job}`,
    );
    await output(flux, "resource", "undrain", "1");
  });

  await t.test("a failed epilog drains the rank, and its job succeeds", async (t) => {
    await play("1", "epilog", "exit 5");
    const job = await output(flux, "submit", "-N4", "true");
    const entries = await eventsUntil(flux, job, "clean");
    await forget("epilog");
    t.match(
      entries.find(({ name }) => name === "exception"),
      {
        context: {
          type: "epilog",
          severity: 2,
          note: "epilog exited with code=5 on node1 (rank 1)",
        },
      },
    );
    t.match(perilogs(entries).at(-1), ["epilog-finish", { status: 5 << 8 }]);
    t.match(await output(flux, "resource", "drain"), `epilog failed for job ${job}`);
    await output(flux, "resource", "undrain", "1");
  });

  const bridge = await BridgeUnderTest.open(flux);
  const post = async (job: string, name: string) =>
    bridge.request("post", { id: await id(job), name, context: OURS });
  const submit = (nodes = 1) =>
    output(flux, "submit", `-N${nodes}`, "--setattr=user.usernetes=yes", "sleep", "60");
  const waitFor = (job: string, name: string, { description }: { description: string }) => {
    const match = `--match-context=description=${description}`;
    return output(flux, "job", "wait-event", "-t", "20", "-q", match, job, name);
  };
  const isFree = async (job: string) => names(await events(flux, job)).includes("free");

  await t.test("a job starts when the site's prolog and another have finished", async (t) => {
    await play("all", "prolog", waits);
    const job = await submit();
    await eventsUntil(flux, job, "alloc");
    await post(job, "prolog-finish");
    t.notOk(names(await events(flux, job)).includes("start"), "the site's still runs");
    await go();
    await eventsUntil(flux, job, "start");
    await forget("prolog");
    await output(flux, "cancel", job);
    await waitFor(job, "epilog-start", OURS);
    await post(job, "epilog-finish");
    await eventsUntil(flux, job, "clean");
  });

  await t.test("an extra finish frees nodes that the site's epilog keeps", async (t) => {
    await play("all", "epilog", waits);
    const job = await submit();
    await eventsUntil(flux, job, "alloc");
    await post(job, "prolog-finish");
    await eventsUntil(flux, job, "start");
    await output(flux, "cancel", job);
    await waitFor(job, "epilog-start", OURS);
    await eventsUntil(flux, job, "release");
    await post(job, "epilog-finish");
    t.notOk(await isFree(job), "the site's still runs");
    await post(job, "epilog-finish");
    await eventsUntil(flux, job, "clean");
    await go();
    await forget("epilog");
  });

  await t.test("a prolog-start counts again once the last shell has exited", async () => {
    await play("all", "epilog", waits);
    const job = await output(flux, "submit", "-N1", "true");
    await eventsUntil(flux, job, "release");
    await post(job, "prolog-start");
    await go();
    await waitFor(job, "epilog-finish", SITE("epilog"));
    t.notOk(await isFree(job));
    await post(job, "prolog-finish");
    await eventsUntil(flux, job, "clean");
    await forget("epilog");
  });

  await t.test("the epilog after a failed prolog finishes without a start", async (t) => {
    await play("all", "prolog", "exit 4");
    await play("all", "epilog", waits);
    const job = await submit(4);
    await waitFor(job, "epilog-start", OURS);
    await waitFor(job, "prolog-finish", SITE("prolog"));
    await go();
    await waitFor(job, "epilog-finish", SITE("epilog"));
    t.notOk(await isFree(job), "two starts are counted, and one finish");
    await post(job, "prolog-finish");
    const log = names(await eventsUntil(flux, job, "clean"));
    t.equal(log.filter((name) => name === "epilog-finish").length, 1, "the other epilog continues");
    await forget("prolog");
    await forget("epilog");
    await output(flux, "resource", "undrain", "0-3");
  });

  await bridge.close();
}, config);
