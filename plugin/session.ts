/**
 * What one cluster has under way on its nodes: the sessions that its steps are taken over, and
 * the join-command while it is on its way from the lead to its archive.
 *
 * A session serves one chain of steps after another, retries too. After a crash, or where a
 * session has lost a rank, the next chain opens a new one; its agents end what the old one has
 * left. Nothing else of a bring-up is in the daemon's memory.
 */
import type { Chain, ChainListener } from "../lib/node/chain-tracker.js";
import { stepRequest } from "../lib/node/scripts.js";
import { Session } from "../lib/node/session.js";
import { joinDirectory } from "../lib/usernetes/names.js";
import type { World } from "./world.js";

export class ClusterSession {
  /** In memory only until publish-join has made the archive. */
  joinCommand: string | undefined;
  /** Aborted when the bring-up is not wanted any more. */
  private bringUp = new AbortController();
  private sessions: Session[] = [];
  private readonly underWay = new Set<Promise<void>>();

  constructor(
    private readonly jobid: bigint,
    private readonly world: World,
    /** Aborted when the daemon leaves: clusters stay as they are. */
    private readonly leaving: AbortSignal,
  ) {}

  /** Takes a chain of steps; `userid` undefined: as the instance owner. */
  async take(chain: Chain, userid: number | undefined, listener: ChainListener): Promise<void> {
    const session = this.sessions.find((each) => each.serves(chain.ranks));
    await (session ?? this.open(chain, userid)).take(chain, stepRequest, listener);
  }

  /** Runs something that `stop` waits for. */
  async during(act: Promise<void>): Promise<void> {
    this.underWay.add(act);
    await act.finally(() => this.underWay.delete(act));
  }

  /** Ends the bring-up's steps, and resolves when all of them have ended. */
  async stop(): Promise<void> {
    this.joinCommand = undefined;
    this.bringUp.abort();
    await Promise.allSettled(this.underWay);
  }

  /** After `stop`: what comes next is another bring-up, or the teardown. */
  restart(): void {
    this.close();
    this.bringUp = new AbortController();
  }

  /** No more steps for now. */
  close(): void {
    this.joinCommand = undefined;
    for (const session of this.sessions) session.close();
    this.sessions = [];
  }

  private open(chain: Chain, userid: number | undefined): Session {
    const { run, site, nodes, clock } = this.world;
    const { ranks, limitS, steps } = chain;
    const isTeardown = steps.includes("down-v");
    const members = {
      ...{ ranks, userid, env: site.base, limitS },
      private: joinDirectory(this.jobid, site.instance),
    };
    const session = new Session(run, members, {
      signal: isTeardown ? this.leaving : AbortSignal.any([this.leaving, this.bringUp.signal]),
      isLost: (rank) => nodes.isLost(rank),
      onChange: (callback) => nodes.onChange(callback),
      after: (ms, callback) => clock.after(ms, callback),
    });
    this.sessions.push(session);
    return session;
  }
}
