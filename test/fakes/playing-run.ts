/**
 * A Run that records what it is given and plays the nodes: it reads the argv of
 * `flux exec`, and each rank reports its steps as on-node/run.sh does. A step
 * succeeds at once unless `play` says otherwise.
 */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { decodeIdset, encodeIdset } from "../../lib/flux/idset.js";
import type { Clock } from "../../lib/host/clock.js";
import { findAllScript } from "../../lib/step/scripts.js";
import type { Command, Outcome, Run, RunOptions } from "../../lib/host/command.js";

export const TOKEN = "abcdef.0123456789abcdef";
export const JOIN_COMMAND = `kubeadm join 10.0.0.1:20003 --token ${TOKEN} --discovery-token-ca-cert-hash sha256:${"0a".repeat(32)}\n`;

/** How a step goes on a rank; what is left out is a step that succeeds at once. */
export interface Part {
  exit?: number;
  /** What it waits for, one after another. */
  waits?: string[];
  /** Its last lines. */
  tail?: string[];
  seconds?: number;
  /** It goes on until its call is stopped or runs out of time. */
  hangs?: boolean;
  /** The rank is gone: flux exec says this. */
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

export class PlayingRun {
  /** `exec RANKS: step, step` and `archive create NAME`, in order. */
  readonly commands: string[] = [];
  /** `step rank`, each time one is begun on a rank. */
  readonly begun: string[] = [];
  readonly environments: Record<string, string>[] = [];
  /** Whom each call's steps run as; "": the owner. */
  readonly users: string[] = [];
  /** What was put into archives, with the file's mode. */
  readonly archived: { text: string; mode: number }[] = [];
  /** Join-commands that were told to shells that wait. */
  readonly given: string[] = [];
  /** Ends a flux exec that stays, whatever goes over it. */
  endLines: () => void = () => undefined;
  play: Play = () => undefined;
  /** What find-all.sh says on a rank: `UID JOBID ENGINE`; a rank that is not here does not answer. */
  workdirs: (rank: number) => string[] | undefined = () => [];
  /** Called with each archive that is made. */
  onArchive: (name: string, text: string) => void = () => undefined;
  /** What `flux archive VERB` gives. */
  archive: (verb: string) => Partial<Outcome> = () => ({});
  /** Counts all that happens, to tell when nothing does. */
  activity = 0;
  /** By step: the most ranks that were at it at one time. */
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
    const [nonce = "", ...rest] = argv.slice(argv.indexOf("usernetes") + 1);
    if (argv.includes(findAllScript())) return this.find(ranks);
    const steps = rest.filter((_, i) => i % 3 === 0);
    if (options.onInput) return this.line(command, options, { ranks, nonce });
    this.note(command, argv[argv.indexOf("-r") + 1] ?? "", steps);
    const say = options.onStderrLine ?? (() => undefined);
    let timedOut = false;
    // As with a process: a call that is not wanted any more is not begun.
    if (options.signal?.aborted) return ended({ exitCode: undefined, reason: "canceled" });
    const stopped = new Promise<void>((resolve) => {
      options.signal?.addEventListener("abort", () => {
        resolve();
      });
      this.clock.after(command.timeoutMs, () => {
        timedOut = true;
        resolve();
      });
    });
    const all = ranks.map((rank) => this.rank({ rank, nonce, steps, say }));
    await Promise.race([stopped, Promise.all(all)]);
    await this.turn();
    const stdout = steps.includes("join-command") ? `${ranks[0] ?? 0}: ${JOIN_COMMAND}` : "";
    return ended({ stdout, timedOut });
  }

  /** Each word is as a flux exec of its own, over one that stays. */
  private async line(
    command: Command,
    options: RunOptions,
    { ranks, nonce }: { ranks: number[]; nonce: string },
  ): Promise<Outcome> {
    const say = options.onStderrLine ?? (() => undefined);
    if (options.signal?.aborted) return ended({ exitCode: undefined, reason: "canceled" });
    let outcome: Partial<Outcome> = {};
    await new Promise<void>((resolve) => {
      const under = new Set<Promise<unknown>>();
      options.signal?.addEventListener("abort", () => {
        resolve();
      });
      this.endLines = () => {
        outcome = { exitCode: 1 };
        resolve();
      };
      this.clock.after(command.timeoutMs, () => {
        outcome = { timedOut: true };
        resolve();
      });
      options.onInput?.({
        write: (line) => {
          const [idset = "", ...steps] = line.split(" ");
          if (idset === "give") {
            this.given.push(Buffer.from(steps.join(), "base64").toString());
            return;
          }
          this.note(command, idset, steps);
          for (const rank of decodeIdset(idset)) {
            const taken = this.rank({ rank, nonce, steps, say });
            under.add(taken);
            void taken.then(() => under.delete(taken));
          }
        },
        end: () =>
          void Promise.all(under).then(() => {
            resolve();
          }),
      });
      for (const rank of ranks) say(`${rank}: ${nonce} here`);
    });
    await this.turn();
    return ended(outcome);
  }

  private note({ argv, env }: Command, ranks: string, steps: string[]): void {
    this.commands.push(`exec ${ranks}: ${steps.join(", ")}`);
    this.environments.push(env);
    this.users.push(argv[argv.indexOf("usernetes-start") + 3] ?? "");
  }

  private async find(ranks: number[]): Promise<Outcome> {
    this.commands.push(`find on ${encodeIdset(ranks)}`);
    await this.turn();
    const lines = ranks.flatMap((rank) => {
      const found = this.workdirs(rank);
      return found ? [...found, "- end -"].map((line) => `${rank}: ${line} node${rank}\n`) : [];
    });
    return ended({ stdout: lines.join("") });
  }

  private async rank(on: {
    rank: number;
    nonce: string;
    steps: string[];
    say: (line: string) => void;
  }): Promise<void> {
    const { rank, nonce, steps, say } = on;
    for (const step of steps) {
      const attempt = (this.attempts.get(`${step} ${rank}`) ?? 0) + 1;
      this.attempts.set(`${step} ${rank}`, attempt);
      this.begun.push(`${step} ${rank}`);
      const part = this.play(step, rank, attempt) ?? {};
      const leave = this.enter(step);
      await this.turn();
      for (const wait of part.waits ?? []) say(`${rank}: ${nonce} progress ${step} ${wait}`);
      if (part.hangs) await new Promise(() => undefined);
      const { seconds } = part;
      if (seconds) await new Promise<void>((done) => this.clock.after(seconds * 1000, done));
      this.activity++;
      leave();
      if (part.lost) {
        say(`flux-exec: Error: rank ${rank}: sh: ${part.lost}`);
        return;
      }
      if (step === "join-command" && !part.exit)
        say(`${rank}: ${nonce} result ${step} ${Buffer.from(JOIN_COMMAND).toString("base64")}`);
      for (const line of part.tail ?? []) say(`${rank}: ${nonce} tail ${step} ${line}`);
      say(`${rank}: ${nonce} end ${step} ${part.exit ?? 0}`);
      if (part.exit) return;
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
