/**
 * Carries out each action of a plan. After a crash at any point of an action, the next
 * daemon carries it out again; the comment on each action gives the reason why that is safe.
 * The result "once" means that an event in the job's eventlog will show that the action was
 * carried out.
 */
import type { Action } from "../lib/cluster/action.js";
import { skippedSteps } from "../lib/cluster/skipped.js";
import { rowOf, type LocalStep } from "../lib/cluster/steps.js";
import { lastTimeLimit, timeLimit } from "../lib/cluster/time-limit.js";
import { messageOf } from "../lib/errors.js";
import { unlinkArchive } from "../lib/flux/archive.js";
import { decodeIdset, encodeIdset } from "../lib/flux/idset.js";
import { kvsDirectory } from "../lib/flux/jobid.js";
import { parseResources } from "../lib/flux/resources.js";
import type { Down, Settle } from "../lib/record/events.js";
import { entryKey } from "../lib/record/writer.js";
import { archive, nameOf } from "../lib/usernetes/names.js";
import { runLocalStep, runSteps } from "./calls.js";
import { claimOthers, makeClaim, take, type Taken } from "./claim.js";
import { readInstanceEntry } from "./open-cluster-store.js";
import { publishJoinCommand, removePublished } from "./join-command.js";
import { ENOENT, FluxError } from "./flux-error.js";
import { releaseHold } from "./release-hold.js";
import type { Job } from "./job.js";
import { drainLeft, undrainCleaned } from "./drain.js";
import { nextChange, showWaiting, waitForPorts } from "./wait-for-ports.js";

type Confirmed = "once" | undefined;
type Do<K extends Action["do"]> = (
  job: Job,
  action: Extract<Action, { do: K }>,
) => Promise<Confirmed>;

export const ACTIONS: { [K in Action["do"]]: Do<K> } = {
  // A repetition raises an exception with the same note.
  refuse: async (job, { note }) => {
    job.say("error", `refused: ${note}`);
    return unlessOver(job.world.flux.raise(job.cluster.jobid, note));
  },

  // This only reads.
  "read-resources": async (job) => {
    const { cluster, world } = job;
    const text = await world.flux.lookup(`${kvsDirectory(cluster.jobid)}.R`);
    if (text === undefined) throw new Error("the job has no R");
    try {
      cluster.resources = parseResources(text);
      return undefined;
    } catch (error) {
      const note = `the job's R: ${messageOf(error)}`;
      job.say("error", `refused: ${note}`);
      return unlessOver(world.flux.raise(cluster.jobid, note));
    }
  },

  // This only waits.
  "wait-for-nodes": async (job, { jobs, until }) => {
    const { open, clock } = job.world;
    const reason = `the teardown of ${jobs.map(nameOf).join(", ")} on its nodes`;
    job.say("info", `waiting for ${reason}`);
    showWaiting(job, reason);
    while (clock.now() < until && jobs.some((jobid) => open.isBeingTornDown(jobid)))
      await nextChange(job, (until - clock.now()) * 1000);
    return undefined;
  },

  // Record and entry are written in one transaction: both exist or neither does.
  claim: async (job) => {
    const { cluster, world } = job;
    const { allocAt = world.clock.now() } = cluster.job;
    const until = allocAt + world.config.bringUpTimeoutMs / 1000;
    const taken = await waitForPorts(job, until, {
      look: () => networksOf(job, cluster.resources?.ranks ?? []),
      take: (networks) => take(cluster, world, makeClaim(cluster, world, networks)),
    });
    if (!taken) return undefined;
    if ("refused" in taken) {
      job.say("error", `refused: ${taken.refused}`);
      return unlessOver(world.flux.raise(cluster.jobid, taken.refused));
    }
    const { claim } = taken;
    job.say(
      "info",
      `claim: ranks ${claim.ranks}, lead ${claim.hosts[0] ?? "?"} (rank ${claim.lead}), ${claim.engine}`,
    );
    await recordClaim(job, taken);
    return undefined;
  },

  // This is safe for the same reason as the first claim. A rank that is up with the previous ports
  // is taken down by its next `up`.
  "claim-others": async (job) => {
    const { cluster, world } = job;
    const before = cluster.claim;
    if (!before) return undefined;
    // The plan applies the deadline.
    const taken = await waitForPorts(job, Infinity, {
      look: () => networksOf(job, decodeIdset(before.ranks)),
      take: (networks) => take(cluster, world, claimOthers(cluster, before, world, networks)),
    });
    if (!taken) return undefined;
    if ("refused" in taken) {
      await settle(job, { outcome: "failed", note: taken.refused });
      return undefined;
    }
    const { ports, subnet } = taken.claim;
    job.say(
      "warn",
      `claim: ports or subnet in use on a node; retrying with ports ${Object.values(ports).join(", ")}, subnets from ${subnet}`,
    );
    job.session.restart();
    await recordClaim(job, taken);
    return undefined;
  },

  // Each step on the node is safe to repeat; see lib/node/steps.
  call: async (job, action) => {
    await job.session.during(runSteps(job, action));
    return undefined;
  },

  // See LOCAL and runLocalStep.
  local: async (job, { step }) => {
    await job.session.during(runLocalStep(job, step, () => LOCAL[step](job)));
    return undefined;
  },

  // This is written before the job is released, because the shell plugin reads it.
  settle: async (job, action) => {
    await settle(job, action.settle);
    return undefined;
  },

  raise: async ({ cluster, world }, { note }) => unlessOver(world.flux.raise(cluster.jobid, note)),

  // The value is absolute, so a repetition does not add the time twice.
  extend: async (job, { phase, duration }) => {
    const { cluster, world } = job;
    const why = phase === "teardown" ? "teardown" : "hold";
    try {
      await world.flux.update(cluster.jobid, { "attributes.system.duration": duration });
      job.say("info", `time limit extended to ${duration} s to make up for the ${why}`);
    } catch (error) {
      if (!(error instanceof FluxError)) throw error;
      // A site's limits may not allow the update. The job must not wait for it.
      const seconds = phase === "teardown" ? lastTimeLimit(cluster) : timeLimit(cluster).seconds;
      job.say("warn", `the time limit stays ${seconds} s: ${error.message}`);
      cluster.job.limits.push({ at: world.clock.now(), seconds, refused: true });
    }
    return "once";
  },

  // Flux raises the same exception. A second one changes nothing.
  expire: async (job) => {
    job.say("info", "the time limit has passed: ending the job");
    return unlessOver(job.world.flux.expire(job.cluster.jobid));
  },

  stop: async (job) => {
    await job.session.stop();
    return undefined;
  },

  "begin-teardown": async (job, { reason }) => {
    job.session.restart();
    job.say("info", `teardown: ${reason}`);
    const timestamp = job.world.clock.now();
    const hasHook = !skippedSteps(job.site.options).has("before-down");
    const hook = hasHook ? rowOf("before-down").limitS : undefined;
    const context = { reason, timeout: job.teardownS, ...(hook !== undefined && { hook }) };
    await job.record({ timestamp, name: "teardown-start", context });
    return undefined;
  },

  // The record is written once, and the cluster stays as it is.
  keep: async (job, { ranks }) => {
    await recordDown(job, { left: [...ranks], kept: true });
    for (const line of howToClean(job)) job.say("info", line);
    return undefined;
  },

  "end-teardown": async (job, { left }) => {
    if (left.length > 0) await drainLeft(job, left);
    // The undrain comes before `down` is recorded, so that the next daemon repeats it if this one
    // is killed here.
    await undrainCleaned(job.world, { jobid: job.cluster.jobid, left });
    await recordDown(job, { left });
    job.say(
      "info",
      left.length === 0 ? "down: nothing is left" : `down: leftovers on ranks ${encodeIdset(left)}`,
    );
    return undefined;
  },

  "finish-prolog": async (job, { do: what, status }) =>
    unlessOver(releaseHold(job, "prolog", { status, again: job.hasFailed(what) })),

  "finish-epilog": async (job, { do: what }) =>
    unlessOver(releaseHold(job, "epilog", { status: 0, again: job.hasFailed(what) })),
};

/**
 * Records `down`. Record, entry and archive are changed in one transaction: once `down` is
 * recorded, the archive with the token has been removed.
 */
async function recordDown(job: Job, down: Down): Promise<void> {
  const { cluster, world } = job;
  const { jobid, claim } = cluster;
  job.session.close();
  removePublished(jobid, world);
  const before = world.open.get(jobid) ?? { jobid: String(jobid) };
  const downAt = world.clock.now();
  const entry = down.left.length > 0 && claim ? { ...before, claim, downAt, ...down } : undefined;
  const change = entry
    ? (["put", entryKey(jobid), entry] as const)
    : (["unlink", entryKey(jobid)] as const);
  const event = { timestamp: downAt, name: "down", context: down } as const;
  await job.record(event, [[...change], ...unlinkArchive(archive(jobid))]);
  if (!down.kept) world.meter?.teardown(down.left.length);
  if (entry) world.open.add(entry);
  else world.open.remove(jobid);
}

/** Returns the log lines that explain how the user or the administrator removes a kept cluster. */
function howToClean({ cluster, name }: Job): string[] {
  const { claim } = cluster;
  if (!claim) return [];
  const { ranks, workdir, engine, project } = claim;
  return [
    `kept for debugging on ranks ${ranks}; flux usernetes clean ${name} removes it`,
    `or by hand, on each rank: make -C ${workdir} down-v; rm -rf ${workdir}; then remove the containers, networks, volumes and images of ${project} from ${engine}`,
  ];
}

/** Finds the networks of the nodes. A claim must avoid them and those of the open clusters. */
async function networksOf(
  { world }: Job,
  ranks: readonly number[],
): Promise<Map<number, string[]>> {
  await readInstanceEntry(world);
  return world.networks.networksOf(ranks);
}

async function recordClaim(job: Job, { claim, entry, release }: Taken): Promise<void> {
  const { cluster, world } = job;
  const event = { timestamp: world.clock.now(), name: "claim", context: claim } as const;
  try {
    await job.record(event, [["put", entryKey(cluster.jobid), entry]]);
  } catch (error) {
    release();
    throw error;
  }
}

async function settle(job: Job, context: Settle): Promise<void> {
  const { outcome, note, without } = context;
  const more = [without && `without ranks ${without}`, note].filter(Boolean).join(": ");
  job.session.close();
  job.say(outcome === "failed" ? "error" : "info", `settle: ${outcome}${more && `: ${more}`}`);
  const timestamp = job.world.clock.now();
  await job.record({ timestamp, name: "settle", context });
  const { allocAt } = job.cluster.job;
  job.world.meter?.settle(outcome, allocAt === undefined ? undefined : timestamp - allocAt);
}

const LOCAL: Record<LocalStep, (job: Job) => Promise<void>> = {
  "publish-join": async (job) => {
    const { cluster, session, world } = job;
    if (session.joinCommand === undefined) throw new Error("the lead has sent no join command");
    await publishJoinCommand(cluster.jobid, session.joinCommand, world);
    session.joinCommand = undefined;
  },
  // One transaction: if the record did not have the ends of fetch-join, the next daemon would repeat
  // the step, and would not find the archive.
  "remove-archive": (job) => job.commit(unlinkArchive(archive(job.cluster.jobid))),
};

/**
 * Ignores ENOENT, because a request about an inactive job is no longer needed. The job's `clean`
 * event ends the rest.
 */
async function unlessOver(request: Promise<void>): Promise<Confirmed> {
  try {
    await request;
  } catch (error) {
    if (!(error instanceof FluxError && error.errno === ENOENT)) throw error;
  }
  return "once";
}
