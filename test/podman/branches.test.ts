/**
 * Runs the public branches that sites use (branches.ts) through the daemon's steps on podman. The
 * branches are unchanged except for their base image. Stand-ins (kind/) replace this image and the
 * programs that the branches' scripts call in a node. The network of the pods is a real VXLAN
 * through the published ports.
 *
 *   USERNETES_BRANCHES=DIRECTORY[:DIRECTORY]... npx tap dist/test/podman/branches.test.js
 *
 * Each directory is a clone and has the name of its branch. The pattern USERNETES_SCENARIO selects
 * scenarios by branch and title.
 */
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import t from "tap";
import type { Tap } from "../life/life.js";
import { SCENARIOS, type Scenario } from "./branches.js";
import { buildKind, KIND, WRAP } from "./kind.js";
import { podmanLife, type PodmanFlux } from "./life.js";

const CLONES = (process.env["USERNETES_BRANCHES"] ?? "").split(":").filter(Boolean);
const WANTED = new RegExp(process.env["USERNETES_SCENARIO"] ?? "");

/** Files of a site that the Dockerfiles of the branches copy. */
const OF_SITE = [
  ...["cspca.llnl.gov.cer.pem", "cspca.cer.pem", "PAN-cspca.llnl.gov.crt", "hpc-profile.json"],
  "device-plugin.yaml",
];
/** The images that the branches' scripts build or that their compose files name. */
const IMAGES = [
  { dockerfile: "Dockerfile.d/Dockerfile.base", tag: "usernetes_base" },
  { dockerfile: "Dockerfile", tag: "usernetes_node" },
  { dockerfile: "Dockerfile.dra", tag: "usernetes_dra" },
];

type Asserts = Pick<Tap, "comment" | "equal" | "match" | "same">;

if (CLONES.length === 0)
  t.pass("skipped", { skip: "USERNETES_BRANCHES names no clone of converged-computing/usernetes" });
else
  await podmanLife({ size: 2 }, async (t, flux) => {
    await buildKind(flux.place, flux.ranks);
    flux.daemonEnv = { PATH: `${WRAP}:${flux.place.env["PATH"] ?? ""}` };
    for (const clone of CLONES) {
      const branch = basename(clone);
      const scenarios = SCENARIOS.filter(
        (one) => one.branch === branch && WANTED.test(`${branch}: ${one.title}`),
      );
      await t.test(`the branch ${branch} behaves as its scenarios describe`, async (t) => {
        const template = join(flux.place.common, branch);
        cpSync(clone, template, { recursive: true });
        for (const name of OF_SITE) writeFileSync(join(template, name), "");
        for (const scenario of scenarios)
          await t.test(scenario.title, async (t) => {
            await buildImages(flux, template, scenario);
            await runScenario(t, flux, template, scenario);
          });
      });
    }
  });

/** Builds a branch's images before the jobs, as the site's administrator does. */
async function buildImages(flux: PodmanFlux, template: string, { withYq }: Scenario) {
  const file = join(flux.place.common, "Dockerfile");
  const has = (dockerfile: string) => existsSync(join(template, dockerfile));
  const [base] = IMAGES;
  for (const { dockerfile, tag } of IMAGES.filter((one) => has(one.dockerfile))) {
    const from = dockerfile === "Dockerfile" && base && has(base.dockerfile) ? base.tag : KIND;
    const text = readFileSync(join(template, dockerfile), "utf8")
      .replace(/^FROM [a-z]\S*/gm, (line) => `FROM ${line.endsWith("_base:latest") ? from : KIND}`)
      .trimEnd();
    const yq = withYq ? "RUN cp /usr/share/fetched/yq_linux_amd64 /usr/bin/yq\n" : "";
    writeFileSync(file, `${text}\n${yq}`);
    const argv = ["build", "-q", "--build-arg", `BASE_IMAGE=${from}`, "-f", file, "-t", tag];
    const built = await Promise.all(flux.ranks.map((rank) => flux.podman(rank, ...argv, template)));
    for (const { exitCode, stderr } of built)
      if (exitCode !== 0) throw new Error(`${dockerfile}: ${stderr}`);
  }
  rmSync(file, { force: true });
}

async function runScenario(t: Asserts, flux: PodmanFlux, template: string, scenario: Scenario) {
  const { table, outcome, jobs: count = 1 } = scenario;
  const before = await flux.engines();
  const limit = outcome === "ready" ? "4m" : "100s";
  const more = `container-engine = "podman"\nbring-up-timeout = "${limit}"\n${table}`;
  await flux.startDaemon("--config", flux.table(more, { template }));
  const script = flux.script("test $FLUX_TASK_RANK != 0 || kubectl get nodes; sleep 2");
  const jobs = await Promise.all(
    Array.from({ length: count }, () => flux.submit("-N2", "-n2", script)),
  );
  for (const job of jobs) {
    await flux.waitForEnd(job, "400s");
    const settled = await flux.settled(job);
    const record = await flux.record(job);
    t.comment(JSON.stringify({ ports: record[0]?.context?.["ports"], settled }));
    if (outcome !== "ready") t.match(settled, { outcome: "failed", note: outcome });
    else {
      const { stdout, stderr } = await flux.flux("job", "attach", job);
      t.equal(stdout.match(/u7s-node[01] +Ready/g)?.length, 2, stdout + stderr);
    }
    t.match(record.at(-1), { name: "down", context: { left: { length: 0 } } });
  }
  t.same(await flux.engines(), before);
  await flux.stopDaemon();
}
