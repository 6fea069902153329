/**
 * The running work of one cluster on its nodes: the sessions that its steps use, and the
 * join-command on its way from the lead to the archive.
 *
 * A session serves one chain of steps after another, including retries. After a crash, or if a
 * session has lost a rank, the next chain opens a new session. Its agents end the processes of the
 * old one. Nothing else of a bring-up is in the daemon's memory.
 */
import type { Chain, ChainListener } from "../lib/node/chain-tracker.js";
import { stepRequest } from "../lib/node/scripts.js";
import { Session } from "../lib/node/session.js";
import { joinDirectory } from "../lib/usernetes/names.js";
import type { World } from "./world.js";

export class ClusterSession {
  /** The join command, which is in memory only until publish-join has made the archive. */
  joinCommand: string | undefined;
  /** Aborted when the bring-up is no longer wanted. */
  private bringUp = new AbortController();
  private sessions: Session[] = [];
  private readonly underWay = new Set<Promise<void>>();

  constructor(
    private readonly jobid: bigint,
    private readonly world: World,
    /** Aborted when the daemon leaves: clusters stay as they are. */
    private readonly leaving: AbortSignal,
  ) {}

  /** Runs a chain of steps as `userid`; undefined for the instance owner. */
  async take(chain: Chain, userid: number | undefined, listener: ChainListener): Promise<void> {
    const session = this.sessions.find((each) => each.serves(chain.ranks));
    await (session ?? this.open(chain, userid)).take(chain, stepRequest, listener);
  }

  /** Waits for `act`, and makes `stop` wait for it, too. */
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

  /** Prepares for another bring-up or for the teardown, after `stop`. */
  restart(): void {
    this.close();
    this.bringUp = new AbortController();
  }

  /** Closes the sessions. Further steps open new ones. */
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
