/** Submits jobs as one user of a site, waits for their events, and reads what they produced. */
import type { Test } from "tap";
import type { Result } from "../hosts/run-command.js";
import { good, type Site } from "./site.js";

/** A job may take an hour if the processor is emulated. */
const LIMIT_S = 3600;

export class Jobs {
  constructor(
    private readonly site: Site,
    private readonly user: string,
  ) {}

  /** Runs a script on rank 0 as the user. */
  run = (script: string): Promise<Result> => this.site.lead.as(this.user, script);

  /** Returns the job's ID. LANG=C.UTF-8 makes Flux print the ID as users see it. */
  async submit(t: Test, args: string, command = "submit"): Promise<string> {
    const line = `LANG=C.UTF-8 flux ${command} ${args}`;
    return (await good(t, line, this.run(line))).trim();
  }

  /**
   * Submits a batch job whose output goes to a file in /tmp. The job's brokers start rc scripts
   * with $SHELL, which would be nologin for an account that nobody logs in to. By default the
   * brokers connect over the interface of the default route, which does not connect the machines.
   */
  batch = (t: Test, args: string): Promise<string> => {
    const broker = "--env=SHELL=/bin/sh --broker-opts=--setattr=tbon.interface-hint=eth1";
    return this.submit(t, `${broker} --output=/tmp/{{id}}.out ${args}`, "batch");
  };

  async output(job: string): Promise<string> {
    const { stdout, stderr } = await this.run(
      `cat /tmp/${job}.out 2>/dev/null || flux job attach ${job} 2>&1`,
    );
    return stdout + stderr;
  }

  /** Waits until the job's record contains the start of a step. */
  async stepStarts(t: Test, job: string, step: string): Promise<void> {
    const record = `flux job info ${job} usernetes.eventlog 2>/dev/null`;
    const seen = `${record} | grep '"step-start"' | grep -q '"${step}"'`;
    const loop = `n=0; until ${seen}; do n=$((n + 1)); [ $n -lt ${LIMIT_S} ] || exit 1; sleep 0.2; done`;
    await good(t, `${step} starts`, this.run(loop));
  }

  async starts(t: Test, job: string): Promise<void> {
    await good(t, `${job} starts`, this.run(`flux job wait-event -t ${LIMIT_S} ${job} start`));
  }

  /** Waits until the job is inactive. */
  async ends(t: Test, job: string): Promise<void> {
    await good(t, `${job} ends`, this.run(`flux job wait-event -t ${LIMIT_S} ${job} clean`));
  }

  /** Returns the record of the job's cluster. */
  async record(job: string): Promise<{ name: string; context: Record<string, unknown> }[]> {
    const { stdout } = await this.run(`flux job info ${job} usernetes.eventlog`);
    return stdout
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as { name: string; context: Record<string, unknown> });
  }

  /** Returns the outcome and the note of the bring-up. */
  async settled(job: string): Promise<Record<string, unknown>> {
    return (await this.record(job)).find(({ name }) => name === "settle")?.context ?? {};
  }
}
