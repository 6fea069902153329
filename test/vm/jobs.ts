/** Jobs of one user of a site: submitted, followed and read on rank 0. */
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

  /** On rank 0, as the user. */
  run = (script: string): Promise<Result> => this.site.lead.as(this.user, script);

  /** Its ID; LANG=C.UTF-8 makes Flux print it as users see it. */
  async submit(t: Test, args: string, command = "submit"): Promise<string> {
    const line = `LANG=C.UTF-8 flux ${command} ${args}`;
    return (await good(t, line, this.run(line))).trim();
  }

  /**
   * Its output goes to a file of /tmp. Its brokers start rc scripts with $SHELL, which is nologin
   * for an account that nobody logs in to, and find each other by the interface of the default
   * route, which leads nowhere between the machines, unless they are given another.
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

  /** Waits until the job's record has the start of a step. */
  async stepStarts(t: Test, job: string, step: string): Promise<void> {
    const record = `flux job info ${job} usernetes.eventlog 2>/dev/null`;
    const seen = `${record} | grep '"step-start"' | grep -q '"${step}"'`;
    const loop = `n=0; until ${seen}; do n=$((n + 1)); [ $n -lt ${LIMIT_S} ] || exit 1; sleep 0.2; done`;
    await good(t, `${step} starts`, this.run(loop));
  }

  async starts(t: Test, job: string): Promise<void> {
    await good(t, `${job} starts`, this.run(`flux job wait-event -t ${LIMIT_S} ${job} start`));
  }

  /** Waits until Flux is done with the job. */
  async ends(t: Test, job: string): Promise<void> {
    await good(t, `${job} ends`, this.run(`flux job wait-event -t ${LIMIT_S} ${job} clean`));
  }

  /** The record of its cluster. */
  async record(job: string): Promise<{ name: string; context: Record<string, unknown> }[]> {
    const { stdout } = await this.run(`flux job info ${job} usernetes.eventlog`);
    return stdout
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as { name: string; context: Record<string, unknown> });
  }

  /** Outcome and note of its bring-up. */
  async settled(job: string): Promise<Record<string, unknown>> {
    return (await this.record(job)).find(({ name }) => name === "settle")?.context ?? {};
  }
}
