/**
 * Makes the objects that the daemon (main.ts) and `flux usernetes up` and `down` (instance.ts)
 * share: the state of nodes and open clusters, and the World with the effects of a cluster's
 * actions. Only this file and the tests make a World.
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

/** Values that depend on the current configuration and instance. */
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
