/**
 * Runs a site's own prolog and epilog, `[job-manager.prolog]` and `[job-manager.epilog]`, like
 * Flux's perilog plugin (perilog.c is the model) if the configuration loads that plugin. The prolog
 * runs when a job gets its nodes, and the epilog when its tasks have ended. They run on rank 0, or
 * with per-rank on each of the job's ranks.
 *
 * The timeout and kill-timeout of Flux are not implemented.
 */
import { encodeHostlist } from "../../lib/flux/hostlist.js";
import { encodeIdset } from "../../lib/flux/idset.js";
import { f58 } from "../../lib/flux/jobid.js";
import type { Entry } from "./eventlog.js";
import type { Job } from "./job.js";
import type { Broker } from "./parts.js";
import { launch, waitStatusOf, type Running } from "./process.js";

type Kind = "prolog" | "epilog";

interface Description {
  command: string[];
  "per-rank"?: boolean;
  "cancel-on-exception"?: boolean;
}

interface Run {
  kind: Kind;
  perRank: boolean;
  cancelable: boolean;
  canceled: boolean;
  processes: Map<number, Running>;
  argv: string[];
}

export class Perilogs {
  readonly #runs = new Map<Job, Run>();

  constructor(readonly instance: Broker) {}

  /** Starts the prolog or epilog, or cancels it, if the job's event requires that. */
  onEvent(job: Job, { name, context }: Entry): void {
    if (name === "alloc" && job.state === "RUN") this.#begin(job, "prolog");
    if (name === "finish") this.#begin(job, "epilog");
    if (name === "exception" && context?.["severity"] === 0) this.#cancel(job);
  }

  #described(kind: Kind): Description | undefined {
    const { configuration } = this.instance;
    const plugins = (configuration.get("job-manager.plugins") ?? []) as { load?: string }[];
    if (!plugins.some(({ load }) => load === "perilog.so")) return undefined;
    return configuration.get(`job-manager.${kind}`) as Description | undefined;
  }

  #begin(job: Job, kind: Kind): void {
    const described = this.#described(kind);
    if (!described) return;
    const run: Run = {
      kind,
      perRank: described["per-rank"] ?? false,
      cancelable: described["cancel-on-exception"] ?? kind === "prolog",
      canceled: false,
      processes: new Map(),
      argv: described.command,
    };
    this.#runs.set(job, run);
    this.instance.jobs.post(job, `${kind}-start`, { description: `job-manager.${kind}` });
    // The processes start later, so that they cannot end before the start event has been posted.
    setImmediate(() => {
      if (!this.instance.stopped) void this.#play(job, run);
    });
  }

  #launch(job: Job, { kind, argv }: Run, rank: number): Running {
    const { instance } = this;
    const host = instance.host(rank);
    const print = (stream: "stdout" | "stderr") => (chunk: Buffer) => {
      const severity = stream === "stderr" ? "err" : "info";
      for (const line of chunk.toString("utf8").split("\n").filter(Boolean)) {
        const text = `${f58(job.id)}: ${kind}: ${host.name} (rank ${rank}): ${stream}: ${line}`;
        instance.log.add("job-manager", severity, { rank: 0, text });
      }
    };
    const running = launch({
      host,
      argv,
      cwd: "/",
      env: {
        ...instance.environment,
        FLUX_JOB_ID: f58(job.id),
        FLUX_JOB_RANKS: encodeIdset([...(job.allocation?.cores.keys() ?? [])]),
        FLUX_JOB_USERID: String(job.userid),
      },
      uri: instance.uri(rank),
      stdin: false,
      onStdout: print("stdout"),
      onStderr: print("stderr"),
    });
    instance.processes.set(running, rank);
    return running;
  }

  #cancel(job: Job): void {
    const run = this.#runs.get(job);
    if (!run?.cancelable || run.canceled) return;
    run.canceled = true;
    this.#kill(run);
  }

  #kill(run: Run): void {
    for (const running of run.processes.values()) running.kill("SIGTERM");
  }

  async #play(job: Job, run: Run): Promise<void> {
    const { instance } = this;
    const { kind, perRank } = run;
    for (const rank of perRank ? [...(job.allocation?.cores.keys() ?? [])] : [0])
      run.processes.set(rank, this.#launch(job, run, rank));
    if (run.canceled) this.#kill(run);
    const statuses = await Promise.all(
      [...run.processes].map(async ([rank, running]) => {
        const status = waitStatusOf(await running.ended);
        instance.processes.delete(running);
        return { rank, status };
      }),
    );
    if (instance.stopped) return;
    this.#runs.delete(job);
    const status = Math.max(...statuses.map((one) => one.status));
    const failed = statuses.filter((one) => one.status > 0).map(({ rank }) => rank);
    const bad = failed.length > 0 && !run.canceled;
    if (bad && perRank) instance.drain(failed, `${kind} failed for job ${f58(job.id)}`);
    // The epilog may have to undo effects of the prolog, and no finish event will start it.
    if (kind === "prolog" && (run.canceled || status > 0)) this.#begin(job, "epilog");
    if (bad) this.#raise(job, { kind, status, failed });
    // The job may be inactive already: an epilog-start before CLEANUP does not make it wait.
    if (job.state !== "INACTIVE")
      instance.jobs.post(job, `${kind}-finish`, { description: `job-manager.${kind}`, status });
  }

  #raise(job: Job, how: { kind: Kind; status: number; failed: number[] }): void {
    const { kind, status, failed } = how;
    if (job.state === "INACTIVE") return;
    const where = `${encodeHostlist(failed.map((rank) => this.instance.host(rank).name))} (rank ${encodeIdset(failed)})`;
    const what = status > 255 ? `exited with code=${status >> 8}` : `killed by signal ${status}`;
    this.instance.jobs.raise(job.id, {
      type: kind,
      severity: kind === "prolog" ? 0 : 2,
      note: `${kind} ${what} on ${where}`,
    });
  }
}
