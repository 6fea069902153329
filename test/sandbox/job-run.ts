/**
 * Runs one job: the start event, the shell plugin, the tasks on their ranks, finish and release. A
 * batch job runs its own instance with the script on rank 0. A fatal exception sends the running
 * processes a signal, and SIGKILL some seconds later.
 */
import { constants } from "node:os";
import { f58 } from "../../lib/flux/jobid.js";
import { parseFsd } from "./duration.js";
import { now, type Entry } from "./eventlog.js";
import { outputWriter } from "./job-files.js";
import { JobShell, ShellFailure } from "./job-shell.js";
import type { Job } from "./job.js";
import { batchScript, shellOptions } from "./jobspec.js";
import { findLua } from "./lua.js";
import { runBatchScript } from "./nested.js";
import type { Broker, Played } from "./parts.js";
import { statusOf, type Ending, type Running } from "./process.js";
import { placeTasks, runTask, type Task } from "./tasks.js";

const KILL_AFTER_MS = 5000;
/** Flux's configuration key exec.max-start-delay-percent, as a fraction. */
const MAX_START_DELAY = 0.25;

export class JobRun implements Played {
  readonly processes = new Set<Running>();
  readonly #aborted = new AbortController();
  #expiry: NodeJS.Timeout | undefined;
  #startedAt: number | undefined;
  #abortStatus = 0;

  constructor(
    readonly instance: Broker,
    readonly job: Job,
  ) {}

  get aborted(): AbortSignal {
    return this.#aborted.signal;
  }

  get ranks(): number[] {
    return [...(this.job.allocation?.cores.keys() ?? [])];
  }

  /** Runs the job and posts finish and release. Never rejects. */
  async run(): Promise<void> {
    const { job, instance } = this;
    if (job.state === "RUN") {
      instance.jobs.post(job, "start");
      this.watchExpiration();
      const status = await this.#play();
      clearTimeout(this.#expiry);
      if (instance.stopped) return;
      instance.jobs.post(job, "finish", { status: status << 8 });
    }
    job.output.close();
    instance.jobs.later("release", () => {
      instance.jobs.post(job, "release", { ranks: "all", final: true });
    });
  }

  async #play(): Promise<number> {
    const shell = this.#openShell();
    try {
      await shell?.init();
      if (this.#abortStatus > 0) return this.#abortStatus;
      const env = { ...this.job.env, ...shell?.changed };
      const options = { ...shellOptions(this.job.jobspec), ...shell?.options };
      const status =
        batchScript(this.job.jobspec) === undefined
          ? await this.#runTasks(env, options["exit-timeout"])
          : await runBatchScript(this, env);
      if (!this.instance.stopped) await shell?.exit();
      return Math.max(status, this.#abortStatus);
    } catch (error) {
      shell?.stop();
      const failure = error instanceof ShellFailure ? error : new ShellFailure(String(error));
      this.#fatal(failure.message);
      return failure.status;
    }
  }

  /**
   * Starts the shell plugin for a job that requests usernetes, if the plugin is enabled and the
   * machine has a Lua. The plugin does nothing for other jobs.
   */
  #openShell(): JobShell | undefined {
    const { job, instance } = this;
    if (!instance.shellPlugin || findLua() === undefined) return undefined;
    if (job.jobspec.attributes.user?.["usernetes"] === undefined) return undefined;
    const env = { ...job.env, ...this.environment() };
    return new JobShell(instance, job, {
      env,
      aborted: this.aborted,
      log: (text) => {
        this.#log(text);
      },
    });
  }

  #log(text: string): void {
    this.job.output.add({ stream: "stderr", rank: -1, data: `flux-shell[0]: ${text}\n` });
  }

  #fatal(note: string): void {
    const { job, instance } = this;
    const elapsed = (now() - (job.entries[0]?.timestamp ?? 0)).toFixed(3);
    const data = `${elapsed}s: flux-shell[0]: FATAL: ${note}\n`;
    job.output.add({ stream: "stderr", rank: -1, data });
    if (job.state !== "CLEANUP") instance.jobs.raise(job.id, { type: "exec", severity: 0, note });
  }

  async #runTasks(env: Record<string, string>, exitTimeout: unknown): Promise<number> {
    const { job } = this;
    const print = outputWriter(this.instance, job, this.ranks[0] ?? 0);
    const tasks = placeTasks(job);
    const endOthers = this.#limitOthers(tasks, exitTimeout);
    const endings = await Promise.all(
      tasks.map(async (task) => {
        const ending = await runTask(this, task, { env, print, count: tasks.length });
        endOthers.after(task, ending);
        return ending;
      }),
    );
    endOthers.stop();
    const missing = endings.findIndex((ending) => ending.kind === "not-started");
    const ending = endings[missing];
    if (ending?.kind === "not-started") {
      const rank = tasks[missing]?.rank ?? 0;
      const command = job.jobspec.tasks[0]?.command[0] ?? "";
      throw new ShellFailure(
        `task ${missing} (host ${this.instance.host(rank).name}): start failed: ${command}: ${ending.reason}`,
        statusOf(ending),
      );
    }
    return Math.max(...endings.map(statusOf));
  }

  /** Applies exit-timeout: limits how long the other tasks run after the first one has ended. */
  #limitOthers(tasks: Task[], option: unknown) {
    if (option === "none") return { after: () => undefined, stop: () => undefined };
    const seconds = typeof option === "string" ? parseFsd(option) : undefined;
    const ms = seconds === undefined ? this.instance.exitTimeoutMs : seconds * 1000;
    let timer: NodeJS.Timeout | undefined;
    return {
      after: ({ id, rank }: Task, ending: Ending) => {
        if (ending.kind === "not-started" || tasks.length === 1) return;
        const { name } = this.instance.host(rank);
        const note = `${this.job.jobspec.tasks[0]?.command[0] ?? ""}: task rank ${id} on host ${name} exited (Exit ${statusOf(ending)}) and exit-timeout=${ms / 1000}s has expired`;
        timer ??= setTimeout(() => {
          this.#fatal(note);
        }, ms);
      },
      stop: () => {
        clearTimeout(timer);
      },
    };
  }

  /**
   * Sets or resets the timer for the job's expiration. If the delay from alloc to start is a large
   * part of the time limit, Flux's exec system adds the delay (flux-core 6781).
   */
  watchExpiration(): void {
    clearTimeout(this.#expiry);
    const { expiration, times } = this.job;
    if (expiration === 0) return;
    this.#startedAt ??= now();
    const alloc = times.run ?? this.#startedAt;
    const delay = this.#startedAt - alloc;
    const isLong = delay / (expiration - alloc) > MAX_START_DELAY;
    const ms = Math.max(0, (expiration + (isLong ? delay : 0) - now()) * 1000);
    this.#expiry = setTimeout(
      () => {
        const note = "resource allocation expired";
        if (this.job.state === "RUN")
          this.instance.jobs.raise(this.job.id, { type: "timeout", severity: 0, note });
      },
      Math.min(ms, 2 ** 31 - 1),
    );
  }

  onEvent({ name, context }: Entry): void {
    if (name === "resource-update") this.watchExpiration();
    if (name !== "exception" || context?.["severity"] !== 0) return;
    const signal = context["type"] === "timeout" ? "SIGALRM" : "SIGTERM";
    this.#abortStatus = 128 + constants.signals[signal];
    this.#aborted.abort();
    this.kill(signal);
    setTimeout(() => {
      this.kill("SIGKILL");
    }, KILL_AFTER_MS).unref();
  }

  /** Stops the run when the instance ends. */
  stop(): void {
    clearTimeout(this.#expiry);
    this.#aborted.abort();
    this.kill("SIGKILL");
  }

  kill(signal: NodeJS.Signals): void {
    for (const running of this.processes) running.kill(signal);
  }

  /** Returns the environment that all tasks of the job share. */
  environment(): Record<string, string> {
    const { job } = this;
    return {
      FLUX_JOB_ID: f58(job.id),
      FLUX_JOB_NNODES: String(this.ranks.length),
      FLUX_JOB_TMPDIR: this.instance.jobDirectory(job),
    };
  }
}
