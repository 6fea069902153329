/**
 * A session is one call to the agents of some ranks. Ranks take chains of steps over it, each rank
 * one chain at a time.
 *
 * Promises: every rank of a chain gets an end for its last step, even if the session fails; a rank
 * that is lost, or has no agent after PATIENCE_MS, ends at once.
 */
import type { NodeStep } from "../cluster/steps.js";
import { encodeIdset } from "../flux/idset.js";
import type { Run } from "../host/command.js";
import { callNodes, type Called, type NodeCall } from "./call.js";
import { ChainTracker, stepLimit, type Chain, type ChainListener } from "./chain-tracker.js";
import type { Report, Request, StepRequest } from "./protocol.js";

export interface SessionOptions {
  signal: AbortSignal;
  /** Whether the rank's broker is down, so that the rank will send nothing more. */
  isLost: (rank: number) => boolean;
  /** Calls back when `isLost` may have changed. Returns a function that stops this. */
  onChange: (callback: () => void) => () => void;
  /** Calls back after `ms` milliseconds. Returns a function that cancels this. */
  after: (ms: number, callback: () => void) => () => void;
}

export interface Members extends Called {
  /** Prefix of the names of the private directories for join-commands on the nodes. */
  private: string;
}

/**
 * Milliseconds after which a rank that does not answer is lost, and after which a closed session
 * that does not end is stopped.
 */
const PATIENCE_MS = 60_000;

/** The tracker of a chain with any names of steps. */
type Heard = Pick<ChainTracker, "take" | "lose" | "ranks" | "isAt" | "isDone">;

interface Taken {
  progress: Heard;
  done: () => void;
}

export class Session {
  /** Ranks that take steps, or that will when their agents have started. */
  private readonly ranks: Set<number>;
  private readonly ready = new Set<number>();
  private readonly chains = new Set<Taken>();
  private readonly stopped = new AbortController();
  private readonly takeBack: (() => void)[] = [];
  private call: NodeCall | undefined;
  private closed = false;

  constructor(
    private readonly run: Run,
    private readonly members: Members,
    private readonly options: SessionOptions,
  ) {
    this.ranks = new Set(members.ranks);
    this.takeBack.push(
      options.onChange(() => {
        for (const rank of [...this.ranks].filter(options.isLost)) this.drop(rank, LOST);
      }),
      options.after(PATIENCE_MS, () => {
        for (const rank of this.ranks)
          if (!this.ready.has(rank)) this.drop(rank, "the node does not answer");
      }),
    );
  }

  /** Sends a request. The first one opens the call, and reaches every rank that starts. */
  private send(request: Request): void {
    if (this.call) {
      this.call.send(request);
      return;
    }
    const listener = {
      signal: AbortSignal.any([this.options.signal, this.stopped.signal]),
      onReport: (report: Report) => {
        this.hear(report);
      },
      onError: (rank: number, why: string) => {
        this.drop(rank, why);
      },
    };
    this.call = callNodes(this.run, this.members, listener, [request]);
    void this.call.over.then(({ why }) => {
      this.end(why);
    });
  }

  /** Whether these ranks can take a chain over this session. */
  serves(ranks: readonly number[]): boolean {
    const isBusy = (rank: number) => [...this.chains].some(({ progress }) => progress.isAt(rank));
    // If one of its ranks is lost, flux exec may not pass on further requests.
    const isWhole = this.ranks.size === this.members.ranks.length;
    return !this.closed && isWhole && ranks.every((rank) => this.ranks.has(rank) && !isBusy(rank));
  }

  /** Resolves when every rank has ended its last step. */
  take<Name extends string = NodeStep>(
    chain: Chain<Name>,
    requestOf: (step: Name, seconds: number, chain: Chain<Name>) => StepRequest,
    listener: ChainListener<Name>,
  ): Promise<void> {
    const progress = new ChainTracker(chain, listener);
    return new Promise((resolve) => {
      this.chains.add({ progress, done: resolve });
      const { env, site, steps, ranks } = chain;
      this.send({
        do: "steps",
        ranks: encodeIdset(ranks),
        env,
        site,
        private: this.members.private,
        teardown: (steps as readonly string[]).includes("down-v"),
        steps: steps.map((step) => requestOf(step, stepLimit(step, chain), chain)),
      });
      // Ranks that were lost before the request cannot answer.
      for (const rank of ranks) if (this.options.isLost(rank)) this.drop(rank, LOST);
    });
  }

  /** Accepts no further chains. Running chains continue to their end. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.call?.end();
    this.takeBack.push(
      this.options.after(PATIENCE_MS, () => {
        this.stopIfDone();
      }),
    );
    this.stopIfHanging();
  }

  private hear(report: Report): void {
    const { rank } = report;
    if (report.report === "here") this.ready.add(rank);
    this.each((progress) => {
      progress.take(report);
    });
    this.stopIfHanging();
  }

  private drop(rank: number, why: string): void {
    this.ranks.delete(rank);
    this.each((progress) => {
      progress.lose(rank, why);
    });
    this.stopIfHanging();
  }

  /** Stops a flux exec that may hang: with a lost rank it may not end for minutes. */
  private stopIfHanging(): void {
    const { size } = this.ranks;
    if (size === 0 || (this.closed && size < this.members.ranks.length)) this.stopIfDone();
  }

  private stopIfDone(): void {
    if (this.chains.size > 0) return;
    this.closed = true;
    this.stopped.abort();
  }

  private end(why: string): void {
    this.closed = true;
    for (const takeBack of this.takeBack) takeBack();
    this.each((progress) => {
      for (const rank of progress.ranks()) progress.lose(rank, why);
    });
  }

  /** Calls `visit` for each chain, and completes the chains that have ended. */
  private each(visit: (progress: Heard) => void): void {
    for (const chain of this.chains) {
      visit(chain.progress);
      if (!chain.progress.isDone()) continue;
      this.chains.delete(chain);
      chain.done();
    }
  }
}

const LOST = "the node was lost";
