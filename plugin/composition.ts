/**
 * Puts together what the daemon (main.ts) and `flux usernetes up` and `down` (instance.ts) share:
 * what is known of the instance's nodes and open clusters, and the world that a cluster's life
 * has its effects on. Nothing else makes a World, except the tests.
 */
import type { Config } from "../lib/config/check.js";
import { systemClock } from "../lib/host/clock.js";
import type { Run } from "../lib/host/command.js";
import { newSite } from "../lib/record/setting.js";
import { Membership } from "./membership.js";
import { NodeNetworks } from "./networks.js";
import { OpenClusters } from "./open-clusters.js";
import type { World } from "./world.js";

export interface CompositionParts {
  run: Run;
  /** The environment of each call to the nodes. */
  base: Record<string, string>;
  say: World["say"];
}

/** What depends on the configuration and the instance of the moment. */
export type WorldParts = Pick<World, "flux" | "names" | "meter"> & {
  config: Config;
  /** The instance's own ID, kept in its KVS. */
  instance: string;
  /** The uid that the instance belongs to; undefined until the bridge is connected. */
  owner: number | undefined;
};

export class Composition {
  readonly open = new OpenClusters();
  readonly nodes = new Membership();
  readonly networks: NodeNetworks;

  constructor(private readonly parts: CompositionParts) {
    const { run, base, say } = parts;
    const asked = { run, clock: systemClock, nodes: this.nodes, env: base, say };
    this.networks = new NodeNetworks(() => asked, this.open);
  }

  world({ config, instance, owner, ...rest }: WorldParts): World {
    const { run, base, say } = this.parts;
    const { open, nodes, networks } = this;
    return {
      ...{ run, say, config, open, nodes, networks, ...rest },
      clock: systemClock,
      site: newSite(config, { base, instance }),
      owner: owner ?? 0,
    };
  }
}
