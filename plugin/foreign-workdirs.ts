/**
 * Takes down work directories that were found on nodes, belong to users other than the instance
 * owner, and appear in no record. Each teardown runs as the directory's owner: if a user planted
 * the directory, with the ID of any job, only that user's own resources are removed. No record,
 * entry or port changes, and no node is drained.
 */
import { messageOf } from "../lib/errors.js";
import { decodeIdset, encodeIdset } from "../lib/flux/idset.js";
import { f58 } from "../lib/flux/jobid.js";
import { siteOf } from "../lib/record/setting.js";
import type { OpenCluster } from "../lib/record/writer.js";
import { siteVariables, stepEnvironment } from "../lib/node/environment.js";
import type { StepEnd } from "../lib/node/chain-tracker.js";
import { ClusterSession } from "./session.js";
import type { World } from "./world.js";

/** How a teardown ended. */
export interface Cleaned {
  jobid: string;
  /** The idset of the ranks with leftovers; empty if every rank is clean. */
  left: string;
  /** The same ranks for people: `node1 (rank 1)`. */
  where: string;
  /** The reason on the first of them. */
  note: string;
}

export class ForeignWorkdirs {
  /**
   * The last teardown of each user. A user's teardowns run one after the other, so that they do not
   * delay other users.
   */
  private readonly last = new Map<number, Promise<unknown>>();

  constructor(
    private readonly makeWorld: () => World,
    /** Makes the next search include these ranks again. */
    private readonly lookAgain: (ranks: number[]) => void,
  ) {}

  takeDown(entry: OpenCluster): Promise<Cleaned> {
    const { userid } = entry.claim;
    const before = this.last.get(userid) ?? Promise.resolve();
    const cleaned = before.then(() => this.tearDown(entry));
    this.last.set(userid, cleaned);
    return cleaned;
  }

  /** Never rejects. */
  private async tearDown({ jobid, claim, setting }: OpenCluster): Promise<Cleaned> {
    const world = this.makeWorld();
    const ranks = decodeIdset(claim.ranks);
    const failed = new Map<number, string>();
    const onEnd = ({ rank, status, note }: StepEnd) => {
      if (status !== "ok") failed.set(rank, note);
    };
    try {
      const { site, config, owner } = world;
      const made = siteOf(site, setting);
      const session = new ClusterSession(BigInt(jobid), world, new AbortController().signal);
      const chain = {
        steps: ["down-v" as const],
        ranks,
        env: stepEnvironment(BigInt(jobid), claim, { ...made, excludedWorkers: [] }),
        site: siteVariables(BigInt(jobid), claim, made),
        limitS: config.teardownTimeoutMs / 1000,
      };
      const userid = claim.userid === owner ? undefined : claim.userid;
      await session.take(chain, userid, { onEnd });
      session.close();
    } catch (error) {
      for (const rank of ranks) failed.set(rank, messageOf(error));
    }
    const left = [...failed.keys()].sort((a, b) => a - b);
    this.lookAgain(left);
    const note = failed.get(left[0] ?? -1) ?? "";
    const where = left.map((rank) => `${claim.hosts[ranks.indexOf(rank)] ?? "?"} (rank ${rank})`);
    const what = `${f58(BigInt(jobid))}: uid ${claim.userid}`;
    if (left.length === 0) world.say("info", `${what}: nothing is left`);
    else world.say("warn", `${what}: leftovers on ${where.join(", ")}: ${note}`);
    return { jobid, left: encodeIdset(left), where: where.join(", "), note };
  }
}
