/** The machines of a test. They form a system instance of Flux, and the first one is rank 0. */
import type { Test } from "tap";
import type { Result } from "../hosts/run-command.js";
import { Host } from "./host.js";
import type { Machine } from "./machine.js";

const TABLE = "/etc/flux/system/conf.d/usernetes.toml";

export class Site {
  readonly hosts: readonly Host[];
  /** The node of rank 0. */
  readonly lead: Host;

  constructor(machines: readonly Machine[]) {
    this.hosts = machines.map((machine) => new Host(machine));
    const [lead] = this.hosts;
    if (lead === undefined) throw new Error("a site needs a machine");
    this.lead = lead;
  }

  /** The machines' names in the format of `flux hostlist`, such as `node[0-1]`. */
  get names(): string {
    return this.hosts.length === 1 ? this.lead.name : `node[0-${this.hosts.length - 1}]`;
  }

  /** Runs a script on rank 0 as root. */
  root = (script: string, input?: string): Promise<Result> => this.lead.root(script, input);

  /** Runs a script on rank 0 as the instance owner. */
  owner = (script: string): Promise<Result> => this.lead.as("flux", script);

  /** Calls `run` for all machines at the same time. The test fails if one of the calls fails. */
  async each(t: Test, what: string, run: (host: Host) => Promise<Result>): Promise<string[]> {
    return await Promise.all(
      this.hosts.map((host) => good(t, `${what} on ${host.name}`, run(host))),
    );
  }

  /** Runs a script as root on all machines at the same time. */
  everywhere = (t: Test, what: string, script: string, input?: string): Promise<string[]> =>
    this.each(t, what, (host) => host.root(script, input));

  /**
   * Replaces keys of the [usernetes] table on every node, and reloads the configuration in Flux and
   * in the daemon. The daemon logs that it has reloaded its configuration.
   */
  async configure(t: Test, keys: Record<string, string>): Promise<void> {
    await this.write(t, keys);
    await good(t, "flux config reload", this.owner("flux config reload"));
    await good(t, "systemctl reload", this.root("systemctl reload flux-usernetes"));
  }

  /** Replaces keys of the [usernetes] table on every node, without a reload. */
  async write(t: Test, keys: Record<string, string>): Promise<void> {
    const edits = Object.entries(keys).map(
      ([key, value]) =>
        `sed -i '/^#*${key} = /d' ${TABLE} && printf '%s\\n' '${key} = ${value}' >>${TABLE}`,
    );
    await this.everywhere(t, "the table is edited", edits.join(" && "));
  }
}

/**
 * Waits for a command and returns its stdout. If the exit status is not 0, the test fails with the
 * command's output.
 */
export async function good(t: Test, what: string, running: Promise<Result>): Promise<string> {
  const { stdout, stderr, exitCode } = await running;
  t.equal(exitCode, 0, exitCode === 0 ? what : `${what}: ${stderr}${stdout}`);
  return stdout;
}
