/** A site's own prolog and epilog, and the daemon's: neither finishes the other's. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Entry } from "./flux.js";
import { life, type Tap } from "./life.js";

const LONG = ["sleep", "300"];

/** The site's prolog and epilog run the scripts that a test has written to files. */
const SITE = ["prolog", "epilog"]
  .map(
    (kind) =>
      `[job-manager.${kind}]\ncommand = ["sh", "-c", '. "$TESTBED/site/${kind}"']\nper-rank = true\n`,
  )
  .join("");
const TABLE = `[job-manager]\nplugins = [{ load = "perilog.so" }]\n${SITE}`;

life(async (t, flux) => {
  const folder = join(flux.place.testbed, "site");
  mkdirSync(folder);
  const play = (kind: "prolog" | "epilog", script: string) => {
    writeFileSync(join(folder, kind), script);
  };
  /** The site's script runs until the test calls `go`. */
  const slow = (kind: "prolog" | "epilog", then = "") => {
    rmSync(join(folder, `go-${kind}`), { force: true });
    play(kind, `until test -e "$TESTBED/site/go-${kind}"; do sleep 0.05; done\n${then}`);
  };
  const go = (kind: "prolog" | "epilog") => {
    writeFileSync(join(folder, `go-${kind}`), "");
    play(kind, ":");
  };
  for (const kind of ["prolog", "epilog"] as const) play(kind, ":");
  await flux.startDaemon();

  const waitFor = (job: string, event: string, whose: "usernetes" | "site") => {
    const kind = event.split("-")[0] ?? "";
    const description = whose === "usernetes" ? whose : `job-manager.${kind}`;
    const match = `--match-context=description=${description}`;
    return flux.output("flux", "job", "wait-event", "-t", "40", match, job, event);
  };
  /** The events as `ours prolog-start`, `site epilog-finish` or `free`, in order. */
  const order = (events: Entry[]) =>
    events.map(({ name, context }) => {
      const of = context?.["description"];
      return of === undefined ? name : `${of === "usernetes" ? "ours" : "site"} ${name}`;
    });
  const has = async (job: string, what: string) => order(await flux.events(job)).includes(what);
  /** Waits for the job's end and checks it. Returns the job's events in order. */
  const ended = async (t: Tap, job: string) => {
    await flux.waitForEnd(job);
    const reported = order(await flux.events(job));
    for (const kind of ["prolog", "epilog"])
      t.equal(
        reported.filter((what) => what === `ours ${kind}-finish`).length,
        reported.filter((what) => what === `ours ${kind}-start`).length,
        `each ${kind} of the daemon is finished once`,
      );
    t.same(await flux.leftovers(), [], "there are no leftovers");
    return reported;
  };
  const inOrder = (t: Tap, reports: string[], ...wanted: string[]) => {
    t.same(
      reports.filter((what) => wanted.includes(what)),
      wanted,
    );
  };
  const test = (name: string, body: (t: Tap) => Promise<void>) =>
    t.test(name, (t) => body(t as unknown as Tap));

  await test("a job waits for the site's prolog when its cluster is ready", async (t) => {
    slow("prolog");
    const job = await flux.submit("-N2", "true");
    await flux.waitForRecord(job, "settle");
    t.notOk(await has(job, "start"));
    go("prolog");
    // Our prolog finishes last: it keeps the nodes if the site's prolog fails.
    inOrder(t, await ended(t, job), "site prolog-finish", "ours prolog-finish", "start");
  });

  await test("a job waits for its cluster when the site's prolog is done", async (t) => {
    flux.takes("kubeadm-init", 1);
    const job = await flux.submit("-N2", "true");
    await waitFor(job, "prolog-finish", "site");
    t.notOk(await has(job, "start"));
    inOrder(t, await ended(t, job), "site prolog-finish", "ours prolog-finish", "start");
    flux.takes("kubeadm-init", 0.1);
  });

  await test("nodes are kept for the site's epilog when the cluster is removed", async (t) => {
    slow("epilog");
    const job = await flux.submit("-N2", "true");
    // The job's own shell keeps the nodes until `down`, so the daemon's epilog is not needed.
    await flux.waitForRecord(job, "down");
    await waitFor(job, "epilog-start", "site");
    t.notOk(await has(job, "free"));
    go("epilog");
    const received = await ended(t, job);
    inOrder(t, received, "finish", "site epilog-finish", "free");
    t.notOk(received.includes("ours epilog-start"));
  });

  await test("nodes are kept for the teardown when the site's epilog is done", async (t) => {
    flux.takes("down-v", 1);
    const job = await flux.submit("-N2", ...LONG);
    await flux.waitFor(job, "start");
    await flux.flux("cancel", job);
    await waitFor(job, "epilog-finish", "site");
    t.notOk(await has(job, "free"));
    inOrder(t, await ended(t, job), "site epilog-finish", "ours epilog-finish", "free");
    flux.takes("down-v", 0.1);
  });

  await test("a job can be canceled while the site's prolog runs", async (t) => {
    slow("prolog");
    slow("epilog");
    const job = await flux.submit("-N2", ...LONG);
    await waitFor(job, "prolog-start", "site");
    await flux.waitForRecord(job, "claim");
    await flux.flux("cancel", job);
    await flux.waitForRecord(job, "down");
    await waitFor(job, "epilog-finish", "usernetes");
    t.notOk(await has(job, "free"), "the site's epilog still runs");
    play("prolog", ":");
    go("epilog");
    const events = await ended(t, job);
    t.notOk(events.includes("start"));
    inOrder(t, events, "ours epilog-finish", "site epilog-finish", "free");
  });

  await test("a job can be canceled while the daemon's prolog holds it", async (t) => {
    flux.takes("kubeadm-init", 30);
    const job = await flux.submit("-N2", ...LONG);
    await waitFor(job, "prolog-finish", "site");
    await flux.waitForStep(job, "kubeadm-init");
    await flux.flux("cancel", job);
    flux.takes("kubeadm-init", 0.1);
    const events = await ended(t, job);
    t.notOk(events.includes("start"));
    // The site's prolog was done and no task ran. Flux then skips the site's epilog.
    t.notOk(events.includes("site epilog-start"));
    inOrder(t, events, "ours epilog-start", "ours prolog-finish", "ours epilog-finish", "free");
  });

  await test("a late hold finishes none of the site's prologs", async (t) => {
    slow("epilog");
    let job = "";
    await flux.behindTheBridge(async () => {
      job = await flux.submit("-N2", "true");
      await flux.waitFor(job, "start");
    });
    await waitFor(job, "epilog-start", "site");
    await flux.waitForRecord(job, "down");
    t.notOk(await has(job, "free"));
    go("epilog");
    const events = await ended(t, job);
    inOrder(t, events, "start", "ours prolog-start", "ours prolog-finish", "finish", "free");
    inOrder(t, events, "finish", "site epilog-finish", "free");
  });

  await test("a job that was over when the daemon saw it keeps the site's epilog", async (t) => {
    slow("epilog");
    let job = "";
    await flux.behindTheBridge(async () => {
      job = await flux.submit("-N2", ...LONG);
      await flux.waitFor(job, "start");
      await flux.flux("cancel", job);
      await flux.waitFor(job, "finish");
    });
    await waitFor(job, "epilog-finish", "usernetes");
    t.notOk(await has(job, "free"));
    go("epilog");
    const events = await ended(t, job);
    inOrder(t, events, "finish", "ours epilog-finish", "site epilog-finish", "free");
  });

  await test("a failed prolog of the site does not free nodes that have a cluster", async (t) => {
    slow("prolog", "exit 4");
    slow("epilog");
    flux.takes("down-v", 1);
    const job = await flux.submit("-N4", ...LONG);
    await flux.waitForRecord(job, "settle");
    go("prolog");
    await waitFor(job, "epilog-start", "usernetes");
    go("epilog");
    await flux.waitForEnd(job);
    const events = await flux.events(job);
    const fatal = events.find((entry) => entry.context?.["severity"] === 0);
    t.match(fatal?.context, { type: "prolog", note: /^prolog exited with code=4 on / });
    const at = (entries: Entry[], name: string) =>
      entries.find((entry) => entry.name === name)?.timestamp ?? NaN;
    t.ok(at(events, "free") > at(await flux.record(job), "down"), "free comes after down");
    t.same(await flux.leftovers(), [], "there are no leftovers");
    await flux.output("flux", "resource", "undrain", "0-3");
    flux.takes("down-v", 0.1);
  });
}, TABLE);
