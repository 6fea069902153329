/** The machines of a test: a system instance of Flux whose rank 0 is the first of them. */
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

  /** Names as in `flux hostlist`: node[0-1]. */
  get names(): string {
    return this.hosts.length === 1 ? this.lead.name : `node[0-${this.hosts.length - 1}]`;
  }

  /** On rank 0, as root. */
  root = (script: string, input?: string): Promise<Result> => this.lead.root(script, input);

  /** On rank 0, as the instance owner. */
  owner = (script: string): Promise<Result> => this.lead.as("flux", script);

  /** On every machine at once; the test fails where it fails. */
  async each(t: Test, what: string, run: (host: Host) => Promise<Result>): Promise<string[]> {
    return await Promise.all(
      this.hosts.map((host) => good(t, `${what} on ${host.name}`, run(host))),
    );
  }

  /** A script as root, on every machine at once. */
  everywhere = (t: Test, what: string, script: string, input?: string): Promise<string[]> =>
    this.each(t, what, (host) => host.root(script, input));

  /**
   * Replaces keys of the [usernetes] table, on every node, and loads it. The daemon logs
   * that it has read it again.
   */
  async configure(t: Test, keys: Record<string, string>): Promise<void> {
    await this.write(t, keys);
    await good(t, "flux config reload", this.owner("flux config reload"));
    await good(t, "systemctl reload", this.root("systemctl reload flux-usernetes"));
  }

  /** Writes the keys only. */
  async write(t: Test, keys: Record<string, string>): Promise<void> {
    const edits = Object.entries(keys).map(
      ([key, value]) =>
        `sed -i '/^#*${key} = /d' ${TABLE} && printf '%s\\n' '${key} = ${value}' >>${TABLE}`,
    );
    await this.everywhere(t, "the table is edited", edits.join(" && "));
  }
}

/** Runs it, and fails the test with its output where it does not end with 0; the stdout. */
export async function good(t: Test, what: string, running: Promise<Result>): Promise<string> {
  const { stdout, stderr, exitCode } = await running;
  t.equal(exitCode, 0, exitCode === 0 ? what : `${what}: ${stderr}${stdout}`);
  return stdout;
}
