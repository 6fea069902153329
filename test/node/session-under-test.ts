/** A session for tests: it keeps the requests to the nodes, and the test sends the reports. */
import type { Input, Outcome, RunOptions } from "../../lib/host/command.js";
import { Session, type Members } from "../../lib/node/session.js";
import type { Chain, StepEnd, StepWait } from "../../lib/node/chain-tracker.js";
import type { Request } from "../../lib/node/protocol.js";
import { FakeClock } from "../fakes/fake-clock.js";
import { ended, firstRequests } from "../fakes/playing-run.js";

export const MEMBERS: Members = {
  ranks: [0, 1],
  env: { PATH: "/bin" },
  limitS: 30,
  private: "usernetes-join-7",
};

export const chainOf = (ranks: number[], ...steps: Chain["steps"]): Chain => ({
  ...{ ranks, steps, env: { PATH: "/bin" }, site: {}, limitS: 30 },
});

/** An end as one line: `up 0 failed (exit 1) gives x > next`. */
const inShort = ({ step, rank, status, note, result, next }: StepEnd) =>
  `${step} ${rank} ${status}${note && ` (${note})`}${result === undefined ? "" : ` gives ${result.trim()}`}${next ? ` > ${next}` : ""}`;

export function openSession(members: Partial<Members> = {}) {
  const clock = new FakeClock();
  const requests: Request[] = [];
  const lost = new Set<number>();
  const changes = new Set<() => void>();
  const stop = new AbortController();
  let nonce = "";
  let argv: string[] = [];
  let timeoutMs = 0;
  let hasEnded = false;
  let options: RunOptions = {};
  let end: (outcome: Partial<Outcome>) => void = () => undefined;
  const input: Input = {
    write: (line) => requests.push(JSON.parse(line) as Request),
    end: () => {
      hasEnded = true;
    },
  };
  const session = new Session(
    (command, given = {}) => {
      ({ argv, timeoutMs } = command);
      nonce = argv[argv.indexOf("usernetes-agent") + 1] ?? "";
      options = given;
      given.onInput?.(input);
      requests.push(...firstRequests(argv));
      return new Promise((resolve) => {
        end = (outcome) => {
          resolve(ended(outcome));
        };
        given.signal?.addEventListener("abort", () => {
          end({ exitCode: undefined });
        });
      });
    },
    { ...MEMBERS, ...members },
    {
      signal: stop.signal,
      isLost: (rank) => lost.has(rank),
      onChange: (callback) => {
        changes.add(callback);
        return () => changes.delete(callback);
      },
      after: (ms, callback) => clock.after(ms, callback),
    },
  );
  const hear = (text: string) => options.onStderrLine?.(text);
  const report = (rank: number, fields: object) => {
    if (nonce === "") throw new Error("the first chain has not opened the call yet");
    hear(`${rank}: ${JSON.stringify({ nonce, ...fields })}`);
  };
  return {
    ...{ session, clock, requests, stop, changes, hear, report },
    /** The arguments, the time limit and the nonce of the call, which the first chain opens. */
    call: () => ({ argv, timeoutMs, nonce }),
    here: (...ranks: number[]) => {
      for (const rank of ranks) report(rank, { report: "here" });
    },
    /** Reports the end of a step on a rank. With `exit`, the step has failed. */
    stepEnd: (rank: number, step: string, exit = 0, tail: string[] = []) => {
      const status = exit === 0 ? {} : { exit };
      report(rank, { report: "end", step, status: exit === 0 ? "ok" : "failed", ...status, tail });
    },
    end: (outcome: Partial<Outcome> = {}) => {
      end(outcome);
    },
    /** Whether the call has received the request to end. */
    hasEnded: () => hasEnded,
    isStopped: () => options.signal?.aborted ?? false,
    lose: (rank: number) => {
      lost.add(rank);
      for (const change of changes) change();
    },
    take: (chain: Chain) => {
      const ends: StepEnd[] = [];
      const lines: string[] = [];
      const waits: StepWait[] = [];
      const over = session.take(chain, (step, seconds) => ({ step, seconds, script: "true" }), {
        onEnd: (stepEnd) => {
          ends.push(stepEnd);
          lines.push(inShort(stepEnd));
        },
        onProgress: (wait) => waits.push(wait),
      });
      return { ends, lines, waits, over };
    },
  };
}
