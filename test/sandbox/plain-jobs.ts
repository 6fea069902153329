/** Stands for PlainJobs of plugin/bridge.py: a file for each active job that does not ask. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { f58 } from "../../lib/flux/jobid.js";
import type { Entry } from "./eventlog.js";
import type { Job } from "./job.js";

export class PlainJobs {
  readonly #directory: string;

  constructor(socket: string) {
    this.#directory = join(dirname(socket), "usernetes.plain");
    this.clear();
    mkdirSync(this.#directory, { mode: 0o700 });
  }

  clear(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }

  see(job: Job, entries: Entry[]): void {
    const names = entries.map(({ name }) => name);
    const file = join(this.#directory, f58(job.id).replace("ƒ", "f"));
    if (names.includes("clean") || names.includes("invalidate")) rmSync(file, { force: true });
    else if (names.includes("submit")) writeFileSync(file, "", { mode: 0o600 });
  }
}
