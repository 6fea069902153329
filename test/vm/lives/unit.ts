/** Tests the daemon's unit beside flux.service, and the effect of its end on open clusters. */
import type { Test } from "tap";
import { useEngine, type EngineName } from "../accounts.js";
import { admin } from "../documents.js";
import { ping } from "../install.js";
import { Jobs } from "../jobs.js";
import { leftovers } from "../leftovers.js";
import { good, type Site } from "../site.js";

const UNIT = "flux-usernetes";

export const unitLives = (engine: EngineName) => async (t: Test, site: Site) => {
  const jobs = new Jobs(site, "flux");
  const found = () => leftovers(site, "flux", engine);
  const show = async (property: string): Promise<string> => {
    const { stdout } = await site.root(`systemctl show -P ${property} ${UNIT}`);
    return stdout.trim();
  };
  /** Starts a job that keeps its cluster until the job is canceled. */
  const open = async (t: Test): Promise<string> => {
    const job = await jobs.submit(t, "-N1 --usernetes sleep inf");
    await jobs.starts(t, job);
    return job;
  };

  const now = async () => (await site.root("date +%s")).stdout.trim();
  /**
   * Checks that nothing is left of a cluster. If Flux was stopped at `since`, it had 45 s for its
   * jobs (cleanup-timeout in flux.service). That may be too short for an emulated machine. Then the
   * next daemon removes the cluster, at the latest five minutes after the job's exception.
   */
  const gone = async (t: Test, since: string): Promise<void> => {
    const { stdout } = await site.root(`journalctl -u flux -o cat --since @${since}`);
    if (stdout.includes("cleanup-fail")) {
      t.comment("Flux was stopped before its jobs had ended");
      await eventually(t, "nothing is left", async () => (await found()).length === 0);
    } else t.same(await found(), []);
  };

  await useEngine(t, site, engine);

  await t.test("systemd-analyze accepts the unit", async (t) => {
    const verify = await site.root(`systemd-analyze verify ${UNIT}.service flux.service 2>&1`);
    const own = verify.stdout.split("\n").filter((line) => line.includes(UNIT));
    t.same({ own, status: verify.exitCode }, { own: [], status: 0 });
    const security = await site.root(`systemd-analyze security --no-pager ${UNIT}.service`);
    const level = /Overall exposure level.*: ([0-9.]+)/.exec(security.stdout)?.[1];
    t.comment(`exposure level ${String(level)}`);
    t.ok(Number(level) < 4, security.stdout);
  });

  await t.test("the unit is stopped and started beside an open cluster", async (t) => {
    const job = await open(t);
    await good(t, "stop", site.root(`systemctl stop ${UNIT}`));
    t.equal(await show("Result"), "success");
    t.equal(await show("ExecMainStatus"), "0");
    t.match((await found()).join("\n"), /container/, "the cluster stays");
    await good(t, "start", site.root(`systemctl start ${UNIT}`));
    await ping(t, site);
    await good(t, "cancel", site.owner(`flux cancel ${job}`));
    await jobs.ends(t, job);
    t.same(await found(), []);
  });

  await t.test("the unit's status shows ranks and template after a reload", async (t) => {
    await site.configure(t, { attempts: "{ up = 3 }" });
    const read = `for i in $(seq 60); do journalctl -u ${UNIT} -n 20 -o cat | grep -q "configuration reloaded" && exit; sleep 1; done; exit 1`;
    await good(t, "it is read again", site.root(read));
    t.match(await show("StatusText"), /\/opt\/usernetes/);
    await site.configure(t, { attempts: "{ up = 2 }" });
  });

  await t.test(
    "a daemon that hangs is killed by the watchdog, and its cluster stays",
    async (t) => {
      const job = await open(t);
      const before = await show("NRestarts");
      await good(t, "it hangs", site.root(`systemctl kill -s STOP --kill-whom=main ${UNIT}`));
      const again = `for i in $(seq 240); do [ "$(systemctl show -P NRestarts ${UNIT})" != ${before} ] && [ "$(systemctl is-active ${UNIT})" = active ] && exit; sleep 1; done; exit 1`;
      await good(t, "it is restarted", site.root(again));
      await ping(t, site);
      t.match(await good(t, "its job", site.owner(`flux jobs -no {state} ${job}`)), /RUN/);
      await good(t, "cancel", site.owner(`flux cancel ${job}`));
      await jobs.ends(t, job);
      t.same(await found(), []);
    },
  );

  await t.test("`systemctl stop flux` takes an open cluster down", async (t) => {
    await open(t);
    const since = await now();
    await good(t, "stop", site.root("systemctl stop flux"));
    await eventually(
      t,
      "the unit stops too",
      async () => (await show("ActiveState")) === "inactive",
    );
    await good(t, "start", site.root("systemctl start flux"));
    await answers(t, site);
    await gone(t, since);
    await undrained(t, site);
  });

  await t.test(
    "the daemon cleans and undrains after a poweroff with an open cluster",
    async (t) => {
      await open(t);
      await reboot(t, site);
      await eventually(t, "nothing is left", async () => (await found()).length === 0);
      await undrained(t, site);
    },
  );

  await t.test("a poweroff in the document's order takes the cluster down first", async (t) => {
    const [, ...dropIn] = admin("operate", "Before a node is powered off");
    const folder = "/etc/systemd/system/user@.service.d";
    const write = `mkdir -p ${folder} && cat >${folder}/before-flux.conf && systemctl daemon-reload`;
    await site.everywhere(t, "the drop-in", write, dropIn.map((line) => `${line}\n`).join(""));
    const job = await open(t);
    const since = await now();
    await reboot(t, site);
    await gone(t, since);
    const record = await jobs.record(job);
    const down = record.find(({ name }) => name === "down");
    t.match(down, { context: { left: { length: 0 } } }, "the first try of the teardown");
    await undrained(t, site);
  });
};

/** Powers off rank 0's machine as an administrator does, and boots it again. */
async function reboot(t: Test, site: Site): Promise<void> {
  const seconds = await site.lead.machine.powerOff();
  t.comment(`off after ${Math.round(seconds)} s`);
  await site.lead.machine.boot();
  const online = `for i in $(seq 300); do [ "$(flux resource list -s up -no {nnodes})" = ${site.hosts.length} ] && exit; sleep 1; done; exit 1`;
  await good(t, "all brokers are back", site.owner(online));
  await answers(t, site);
}

/**
 * Waits until the daemon answers. The daemon starts at the same time as Flux, and its first start
 * may fail because there is no instance yet.
 */
async function answers(t: Test, site: Site): Promise<void> {
  await eventually(
    t,
    "the daemon answers",
    async () => (await site.owner("flux usernetes ping")).exitCode === 0,
  );
}

/** Waits until no node is drained. */
async function undrained(t: Test, site: Site): Promise<void> {
  await eventually(t, "no node is drained", async () => {
    const { stdout } = await site.owner("flux resource drain -no '{ranks} {reason}'");
    return stdout.trim() === "";
  });
}

async function eventually(t: Test, what: string, is: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 600_000;
  while (!(await is())) {
    if (Date.now() > deadline) {
      t.fail(`${what}: not in 600 s`);
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 2000));
  }
  t.pass(what);
}
