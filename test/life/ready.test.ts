/** A job starts when its cluster is usable. Until then, its user can see what is missing. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LifeFlux } from "./flux.js";
import { life } from "./life.js";

const settleOf = async (flux: LifeFlux, job: string) =>
  (await flux.record(job)).find(({ name }) => name === "settle")?.context ?? {};

const TABLE = 'ready = "dns"\nbring-up-timeout = "30s"\n';

life(async (t, flux) => {
  const slow = (what: string, seconds: string) => {
    writeFileSync(join(flux.place.testbed, "seconds", what), `${seconds}\n`);
  };
  await flux.startDaemon();

  await t.test("a job waits for a slow network and a slow DNS", async (t) => {
    slow("network", "3");
    slow("dns", "1000");
    const job = await flux.submit("-N2", "true");
    await flux.waitForRecord(job, "step-progress", "note=coredns: 0 of 2 available");
    const status = await flux.output("flux-usernetes", "status", job);
    const names = (await flux.events(job)).map(({ name }) => name);
    t.notOk(names.includes("start"), "the job waits");
    slow("dns", "0");
    await flux.waitForEnd(job);
    const record = await flux.record(job);
    const notes = record
      .filter(({ name }) => name === "step-progress")
      .map(({ context }) => String(context?.["note"]));
    t.ok(notes.includes("played-net: 0 of 2 available"), notes.join("\n"));
    t.ok(notes.includes("coredns: 0 of 2 available"), notes.join("\n"));
    t.match(status, /^waiting for wait-ready on node0 \(rank 0\): .*: coredns: 0 of 2 available/m);
    t.match(await settleOf(flux, job), { outcome: "ready" });
    const at = (step: string) =>
      record.find(({ name, context }) => name === "step-finish" && context?.["step"] === step);
    const began = at("wait-nodes")?.timestamp ?? 0;
    t.ok((at("wait-ready")?.timestamp ?? 0) - began >= 3, "nodes were Ready long before");
  });

  await t.test("a DNS that does not answer fails the job, and is named", async (t) => {
    slow("network", "0");
    slow("dns", "1000");
    const job = await flux.submit("-N1", "true");
    await flux.waitForEnd(job);
    const { note } = await settleOf(flux, job);
    t.match(
      String(note),
      /^timed out after 30s, waiting for wait-ready on node0 .*: coredns: 0 of 2 available; last event: Pulling: Pulling image coredns$|^wait-ready on node0 .*coredns/,
    );
    t.same(await flux.leftovers(), []);
  });

  await t.test(
    "a job does not wait for a network or a DNS that the cluster does not have",
    async (t) => {
      slow("network", "none");
      slow("dns", "none");
      const job = await flux.submit("-N1", "true");
      await flux.waitForEnd(job);
      t.match(await settleOf(flux, job), { outcome: "ready" });
    },
  );
}, TABLE);
