/**
 * The job shell of a job that requests usernetes. It runs the unmodified
 * etc/flux/shell/lua.d/usernetes.lua in the machine's Lua. shell.lua provides the shell's Lua API.
 * The plugin runs on the job's first rank only, while a real job shell runs it on each rank.
 *
 * There is one more difference: a job that is canceled while it waits ends at once, while Flux
 * kills a real shell some seconds later.
 */
import { createInterface } from "node:readline";
import { PassThrough } from "node:stream";
import { kvsDirectory } from "../../lib/flux/jobid.js";
import type { Job } from "./job.js";
import { shellOptions } from "./jobspec.js";
import { findLua, luaLiteral } from "./lua.js";
import type { Broker } from "./parts.js";
import { PLUGIN, SHELL } from "./paths.js";
import { launch, type Running } from "./process.js";

/** A fatal error of the shell. The message becomes a fatal exception of type exec. */
export class ShellFailure extends Error {
  constructor(
    message: string,
    readonly status = 1,
  ) {
    super(message);
  }
}

export interface ShellSetting {
  /** The environment of the tasks. */
  env: Record<string, string>;
  log: (text: string) => void;
  aborted: AbortSignal;
}

export class JobShell {
  /** Variables that the plugin has set for the tasks. */
  readonly changed: Record<string, string> = {};
  /** Shell options that the plugin has set. */
  readonly options: Record<string, string> = {};
  readonly #running: Running;
  readonly #lines: AsyncIterator<string>;
  #errors = "";

  constructor(
    instance: Broker,
    job: Job,
    readonly setting: ShellSetting,
  ) {
    const rank = [...(job.allocation?.cores.keys() ?? [])][0] ?? 0;
    const stdout = new PassThrough();
    this.#lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
    this.#running = launch({
      host: instance.host(rank),
      argv: [findLua() ?? "lua", SHELL, PLUGIN],
      cwd: "/",
      env: instance.environment,
      uri: instance.uri(rank),
      stdin: true,
      onStdout: (chunk) => stdout.write(chunk),
      onStderr: (chunk) => {
        this.#errors += chunk.toString();
      },
    });
    void this.#running.ended.then(() => stdout.end());
    const stop = () => {
      this.#running.kill("SIGKILL");
    };
    if (setting.aborted.aborted) stop();
    setting.aborted.addEventListener("abort", stop);
    this.#write(luaLiteral(contextOf(instance, job, setting.env)));
  }

  #write(line: string): void {
    this.#running.writeStdin(Buffer.from(`${line}\n`));
  }

  /** Runs the plugin's handlers of shell.init. */
  init(): Promise<void> {
    return this.#until();
  }

  /** Runs the plugin's handlers of shell.exit, after the last task. */
  async exit(): Promise<void> {
    this.#write("exit");
    await this.#until();
    this.#running.endStdin();
    await this.#running.ended;
  }

  /** Kills the plugin without running its shell.exit handlers. */
  stop(): void {
    this.#running.kill("SIGKILL");
  }

  /** Carries out the handlers' requests until all handlers have been called. */
  async #until(): Promise<void> {
    for (let next = await this.#lines.next(); !next.done; next = await this.#lines.next()) {
      const [what, first = "", second = ""] = next.value.split("\t").map(unescape);
      if (what === "done") return;
      if (what === "die") throw new ShellFailure(first);
      if (what === "log") this.setting.log(first);
      else if (what === "setenv") this.changed[first] = second;
      else if (what === "option") this.options[first] = second;
    }
    if (!this.setting.aborted.aborted)
      throw new ShellFailure(`usernetes.lua: ${this.#errors.trim() || "it ended"}`);
  }
}

const unescape = (word: string): string =>
  word.replace(/\\(.)/g, (_, char: string) => ({ n: "\n", t: "\t" })[char] ?? char);

/** Returns the values of shell.info, shell.options and shell.getenv. */
function contextOf(instance: Broker, job: Job, env: Record<string, string>) {
  const R = JSON.parse(instance.kvs.get(`${kvsDirectory(job.id)}.R`) ?? "{}") as unknown;
  const options = shellOptions(job.jobspec);
  return { info: { jobspec: job.jobspec, R, rank: 0, size: 1 }, options, env };
}
