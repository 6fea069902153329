/**
 * Tests clusters of the instance owner with one rootless engine, under flux.service. Each test
 * checks that no machine has leftovers at its end.
 */
import type { Test } from "tap";
import { useEngine, type EngineName } from "../accounts.js";
import { expectFit } from "../doctor.js";
import { admin } from "../documents.js";
import { Jobs } from "../jobs.js";
import { leftovers } from "../leftovers.js";
import { good, type Site } from "../site.js";

export const clusterLives = (engine: EngineName) => async (t: Test, site: Site) => {
  const jobs = new Jobs(site, "flux");
  const clean = async (t: Test) => {
    t.same(await leftovers(site, "flux", engine), [], "there are no leftovers");
  };
  /** The option for a job on all machines: -N2, or -N1 if there is only one machine. */
  const all = `-N${site.hosts.length}`;

  await t.test(`the document sets up ${engine} of the instance owner`, async (t) => {
    await useEngine(t, site, engine);
  });

  await t.test("doctor finds no requirement that is not met", async (t) => {
    const [doctor = ""] = admin("install", "6. Verify the installation");
    const stdout = await expectFit(t, site, doctor);
    t.match(
      stdout,
      new RegExp(`^ok +${engine} exec +${site.names.replace(/[[\]]/g, "\\$&")}$`, "m"),
    );
  });

  await t.test("warm builds the image on each node", async (t) => {
    const [warm = ""] = admin("install", "7. Build the image ahead of time");
    const { stdout, stderr, exitCode } = await site.owner(warm);
    t.equal(exitCode, 0, stdout + stderr);
    for (const { name } of site.hosts)
      t.match(stderr + stdout, new RegExp(`^${name} .*image (ready|already)`, "m"));
  });

  await t.test("the first cluster of the document has all nodes", async (t) => {
    const last = admin("install", "8. A first cluster").at(-1) ?? "";
    const nodes = await good(t, last, site.owner(last.replace("-N2", all)));
    for (const { name } of site.hosts) t.match(nodes, new RegExp(`^u7s-${name} +Ready`, "m"));
    await clean(t);
  });

  await t.test("a job that is canceled in up leaves nothing", async (t) => {
    const job = await jobs.submit(t, "-N1 --usernetes true");
    await jobs.stepStarts(t, job, "up");
    await good(t, "flux cancel", site.owner(`flux cancel ${job}`));
    await jobs.ends(t, job);
    t.match(await jobs.settled(job), { outcome: "canceled" });
    await clean(t);
  });

  await t.test("a daemon that is killed in up is restarted and resumes it", async (t) => {
    const job = await jobs.submit(t, "-N1 --usernetes true");
    await jobs.stepStarts(t, job, "up");
    await good(t, "kill -9", site.root("systemctl kill -s KILL --kill-whom=main flux-usernetes"));
    await jobs.ends(t, job);
    t.match(await jobs.settled(job), { outcome: "ready" });
    t.match(
      await good(t, "restarts", site.root("systemctl show -P NRestarts flux-usernetes")),
      /[1-9]/,
    );
    await clean(t);
  });

  await t.test("a cluster that is kept for debugging stays until it is cleaned", async (t) => {
    const debug = "--setattr=attributes.user.usernetes_debug=yes";
    const job = await jobs.submit(t, `-N1 --usernetes ${debug} true`);
    await good(t, "wait", site.owner(`flux usernetes wait ${job}`));
    await good(t, "release", site.owner(`flux usernetes release ${job}`));
    await jobs.ends(t, job);
    const kept = (await leftovers(site, "flux", engine)).join("\n");
    for (const kind of ["container", "network", "volume", "directory", "entry"])
      t.match(kept, new RegExp(`^(node\\d )?${kind} `, "m"), `its ${kind} is kept`);
    await good(t, "clean", site.owner(`flux usernetes clean ${job}`));
    await clean(t);
  });

  await t.test("a batch job gets its cluster by `flux usernetes up`", async (t) => {
    const script = `#!/bin/sh
set -e
trap 'flux usernetes down' EXIT
KUBECONFIG=$(flux usernetes up)
export KUBECONFIG
kubectl get nodes
`;
    await good(t, "the script", site.root("cat >/tmp/up.sh && chmod 755 /tmp/up.sh", script));
    const job = await jobs.batch(t, `${all} /tmp/up.sh`);
    await jobs.ends(t, job);
    const output = await jobs.output(job);
    for (const { name } of site.hosts) t.match(output, new RegExp(`^u7s-${name} +Ready`, "m"));
    await clean(t);
  });

  await t.test("the command usernetes makes a cluster with --serial and a worker", async (t) => {
    await byHand(t, site, engine);
    await clean(t);
  });

  await t.test("`once` runs its command in the first task only", async (t) => {
    const command = `flux run ${all} -n4 --usernetes flux usernetes once -- kubectl get nodes`;
    const output = await good(t, command, site.owner(command));
    t.equal(output.match(/^u7s-node0 +Ready/gm)?.length, 1, output);
    await clean(t);
  });
};

/** Runs the example of usernetes(1), with a directory under /tmp instead of each node's clone. */
async function byHand(t: Test, site: Site, engine: EngineName): Promise<void> {
  const directory = "/tmp/usernetes-by-hand";
  const address = '$(ip -o -4 address show eth1 | sed -n "s|.* inet \\([0-9.]*\\)/.*|\\1|p")';
  const usernetes = (rank: number, args: string) =>
    site.owner(
      `flux exec -r ${rank} sh -c 'export CONTAINER_ENGINE=${engine} HOST_IP=${address}; usernetes ${args} --workdir ${directory}'`,
    );
  const workers = site.hosts.length - 1;
  const start = `start-control-plane --worker-count ${workers} --serial`;
  await good(t, "the copies", site.owner(`flux exec -r all cp -R /opt/usernetes ${directory}`));
  await good(t, start, usernetes(0, start));
  if (workers > 0) {
    await good(t, "archive create", site.owner(`flux archive create -C ${directory} join-command`));
    const extract = `flux exec -r 1 flux archive extract --waitcreate -C ${directory}`;
    await good(t, extract, site.owner(extract));
    await good(t, "start-worker", usernetes(1, "start-worker"));
    await good(t, "archive remove", site.owner("flux archive remove"));
  }
  const compose = engine === "docker" ? "docker compose" : "podman-compose";
  const sync = `export CONTAINER_ENGINE=${engine} COMPOSE='${compose}' HOST_IP=${address}; make -C ${directory} sync-external-ip`;
  await good(t, "make sync-external-ip", site.lead.session("flux", sync));
  const get = "kubectl get nodes --no-headers";
  const ready = `for i in $(seq 120); do [ "$(${get} | grep -c " Ready")" = ${site.hosts.length} ] && break; sleep 1; done; ${get}`;
  const nodes = await good(
    t,
    "get nodes",
    site.owner(`export KUBECONFIG=${directory}/kubeconfig; ${ready}`),
  );
  for (const { name } of site.hosts) t.match(nodes, new RegExp(`^u7s-${name} +Ready`, "m"));
  for (const rank of site.hosts.keys())
    await good(t, "clean --all", usernetes(rank, "clean --all"));
}
