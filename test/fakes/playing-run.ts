/**
 * A Run that records its commands and simulates the nodes. The simulated agents of a `flux exec`
 * read requests and report their steps as real agents do. A step succeeds at once unless `play`
 * overrides it.
 */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { decodeIdset, encodeIdset } from "../../lib/flux/idset.js";
import type { Clock } from "../../lib/host/clock.js";
import type { Command, Outcome, Run, RunOptions } from "../../lib/host/command.js";
import type { ReportKind, Request } from "../../lib/node/protocol.js";

export const TOKEN = "abcdef.0123456789abcdef";
export const JOIN_COMMAND = `kubeadm join 10.0.0.1:20003 --token ${TOKEN} --discovery-token-ca-cert-hash sha256:${"0a".repeat(32)}\n`;

/** The course of a step on a rank. Without any field, the step succeeds at once. */
export interface Part {
  exit?: number;
  /** The reasons for which the step waits, in order. */
  waits?: string[];
  /** The last lines of the step's output. */
  tail?: string[];
  seconds?: number;
  /** The step runs until its call is stopped or times out. */
  hangs?: boolean;
  /** The rank is lost, and flux exec prints this. */
  lost?: string;
}

export type Play = (step: string, rank: number, attempt: number) => Part | undefined;

export const ended = (part: Partial<Outcome> = {}): Outcome => ({
  exitCode: 0,
  stdout: "",
  stderr: "",
  timedOut: false,
  reason: "",
  ...part,
});

type Say = (rank: number, report: ReportKind, fields?: Record<string, unknown>) => void;

interface Asked {
  command: Command;
  ranks: number[];
  say: Say;
  /** Prints a line as flux exec itself does. */
  hear: (line: string) => void;
}

/** Returns the requests that a command passes to its agents as arguments. */
export const firstRequests = (argv: readonly string[]): Request[] =>
  argv.slice(argv.indexOf("usernetes-agent") + 4).map((text) => JSON.parse(text) as Request);

export class PlayingRun {
  /** `exec RANKS: step, step` and `archive create NAME` for each call, in order. */
  readonly commands: string[] = [];
  /** `step rank` for each start of a step on a rank. */
  readonly started: string[] = [];
  readonly environments: Record<string, string>[] = [];
  /** The user of each call's steps. An empty string is the instance owner. */
  readonly users: string[] = [];
  /** The content of the archives, with the file's mode. */
  readonly archived: { text: string; mode: number }[] = [];
  /** Ends every flux exec, whatever it is used for. */
  endSessions: () => void = () => undefined;
  play: Play = () => undefined;
  /**
   * What a search finds on a rank: `UID JOBID ENGINE [NAME=VALUE]` or `UID unseen`. A rank that is
   * missing here does not answer.
   */
  workdirs: (rank: number) => string[] | undefined = () => [];
  /** Called with each new archive. */
  onArchive: (name: string, text: string) => void = () => undefined;
  /** The result of `flux archive VERB`. */
  archive: (verb: string) => Partial<Outcome> = () => ({});
  /** Counts all events, to detect that nothing happens any more. */
  activity = 0;
  /** For each step, the largest number of ranks that ran it at the same time. */
  readonly most = new Map<string, number>();
  private readonly at = new Map<string, number>();
  private readonly attempts = new Map<string, number>();

  constructor(private readonly clock: Clock) {}

  readonly run: Run = (command, options = {}) => {
    this.activity++;
    return command.argv[1] === "exec" ? this.exec(command, options) : this.other(command);
  };

  private async other({ argv }: Command): Promise<Outcome> {
    const verb = argv[2] ?? "";
    const name = argv[argv.indexOf("--name") + 1] ?? "";
    this.commands.push(`${argv[1] ?? ""} ${verb} ${name}`);
    if (verb === "create") {
      const file = join(argv[argv.indexOf("-C") + 1] ?? "", argv.at(-1) ?? "");
      const text = readFileSync(file, "utf8");
      this.archived.push({ text, mode: statSync(file).mode & 0o777 });
      this.onArchive(name, text);
    }
    await this.turn();
    return ended(this.archive(verb));
  }

  private async exec(command: Command, options: RunOptions): Promise<Outcome> {
    const { argv } = command;
    const ranks = decodeIdset(argv[argv.indexOf("-r") + 1] ?? "");
    const nonce = argv[argv.indexOf("usernetes-agent") + 1] ?? "";
    const hear = options.onStderrLine ?? (() => undefined);
    const say: Say = (rank, report, fields = {}) => {
      hear(`${rank}: ${JSON.stringify({ nonce, report, ...fields })}`);
    };
    // As with a real process, an aborted call is not started.
    if (options.signal?.aborted) return ended({ exitCode: undefined, reason: "canceled" });
    let outcome: Partial<Outcome> = {};
    await new Promise<void>((resolve) => {
      const under = new Set<Promise<unknown>>();
      options.signal?.addEventListener("abort", () => {
        resolve();
      });
      this.endSessions = () => {
        outcome = { exitCode: 1 };
        resolve();
      };
      this.clock.after(command.timeoutMs, () => {
        outcome = { timedOut: true };
        resolve();
      });
      const end = () =>
        void Promise.all(under).then(() => {
          resolve();
        });
      const take = (request: Request) => {
        if (request.do === "end") end();
        else under.add(this.request(request, { command, ranks, say, hear }));
      };
      const write = (line: string) => {
        take(JSON.parse(line) as Request);
      };
      options.onInput?.({ write, end });
      for (const rank of ranks) say(rank, "here");
      for (const first of firstRequests(argv)) take(first);
    });
    await this.turn();
    return ended(outcome);
  }

  private async request(request: Request, on: Asked): Promise<void> {
    if (request.do === "find") this.find(on);
    if (request.do !== "steps") return;
    const steps = request.steps.map(({ step }) => step);
    this.commands.push(`exec ${request.ranks}: ${steps.join(", ")}`);
    this.environments.push(request.env);
    const { argv } = on.command;
    this.users.push(argv[argv.indexOf("usernetes-agent") + 2] ?? "");
    const ranks = decodeIdset(request.ranks);
    await Promise.all(ranks.map((rank) => this.rank(rank, steps, on)));
  }

  private find({ ranks, say }: Asked): void {
    this.commands.push(`find on ${encodeIdset(ranks)}`);
    for (const rank of ranks) {
      const found = this.workdirs(rank);
      for (const [userid, jobid, engine, variable] of found?.map((line) => line.split(" ")) ?? [])
        if (jobid === "unseen") say(rank, "unseen", { userid: Number(userid) });
        else
          say(rank, "found", { userid: Number(userid), jobid, engine, site: variableOf(variable) });
      if (found) say(rank, "searched", { host: `node${rank}` });
    }
  }

  private async rank(rank: number, steps: string[], { say, hear }: Asked): Promise<void> {
    for (const step of steps) {
      const attempt = (this.attempts.get(`${step} ${rank}`) ?? 0) + 1;
      this.attempts.set(`${step} ${rank}`, attempt);
      this.started.push(`${step} ${rank}`);
      const part = this.play(step, rank, attempt) ?? {};
      const leave = this.enter(step);
      await this.turn();
      for (const text of part.waits ?? []) say(rank, "progress", { step, text });
      if (part.hangs) await new Promise(() => undefined);
      const { seconds } = part;
      if (seconds) await new Promise<void>((done) => this.clock.after(seconds * 1000, done));
      this.activity++;
      leave();
      if (part.lost) {
        hear(`flux-exec: Error: rank ${rank}: flux: ${part.lost}`);
        return;
      }
      const { exit = 0, tail = [] } = part;
      if (step === "join-command" && exit === 0) say(rank, "result", { step, text: JOIN_COMMAND });
      if (exit === 0) say(rank, "end", { step, status: "ok", tail });
      else if (exit === 124) say(rank, "end", { step, status: "timeout", tail });
      else say(rank, "end", { step, status: "failed", exit, tail });
      if (exit !== 0) return;
    }
  }

  private enter(step: string): () => void {
    const now = (this.at.get(step) ?? 0) + 1;
    this.at.set(step, now);
    this.most.set(step, Math.max(now, this.most.get(step) ?? 0));
    return () => this.at.set(step, (this.at.get(step) ?? 0) - 1);
  }

  private turn(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }
}

function variableOf(text = ""): Record<string, string> {
  const [name, value] = text.split("=");
  return name && value !== undefined ? { [name]: value } : {};
}
