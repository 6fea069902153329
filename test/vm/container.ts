/**
 * A machine that is a container of this host with its own systemd. It is as fast as the host, even
 * where a virtual machine would be emulated. It shares the host's kernel. Controllers that the host
 * uses in control groups of version 1 are missing in the container.
 */
import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import { PACKAGE } from "../sandbox/paths.js";
import { Machine, must } from "./machine.js";

const PROGRAMS = join(PACKAGE, "test/vm/container");

export class Container extends Machine {
  readonly unmet = ["cgroup delegation"];
  protected readonly endedBy = "SIGTERM";

  protected async makeDisk(): Promise<void> {
    await must(join(PROGRAMS, "prepare"), [this.options.image.disk, this.disk]);
  }

  protected command(): string[] {
    const address = `192.168.77.${String(10 + this.options.index)}/24`;
    return [join(PROGRAMS, "start"), this.disk, this.name, address, this.bridge];
  }

  protected freePort = (): Promise<number> => Promise.resolve(22);

  /** Enters the container's network namespace, but keeps this host's files. */
  protected get via(): string[] {
    return ["nsenter", `--net=/run/netns/${this.bridge}-${this.name}`];
  }

  protected get disk(): string {
    return join(this.options.folder, "root");
  }

  /** A short name: an interface has this name and the machine's, in at most 15 characters. */
  private get bridge(): string {
    const site = dirname(this.options.folder);
    return `u7s${createHash("sha256").update(site).digest("hex").slice(0, 4)}`;
  }
}
