/**
 * Finds the networks that nodes are in or have a route to, because a node subnet must not overlap
 * them. A node is queried when its broker comes up, before a job needs the result, and again when
 * the result is old.
 *
 * Promises: a node that does not answer delays a claim by a few seconds at most, and counts as a
 * node without networks; the networks of the daemon's own clusters are excluded.
 */
import { decodeIdset, encodeIdset } from "../lib/flux/idset.js";
import { fluxExec } from "../lib/flux/exec.js";
import { OUTPUT_MAX_FLUX } from "../lib/host/command.js";
import { blockOfNetwork, following, WHOLE } from "../lib/usernetes/subnets.js";
import type { OpenClusters } from "./open-clusters.js";
import type { Networks, World } from "./world.js";

const DEADLINE_MS = 5_000;
const OLD_S = 600;
const SCRIPT = "ip -o -4 address show; ip -o -4 route show";
const ADDRESS = /^[0-9]+: \S+ +inet ([0-9.]+\/[0-9]+) /;
const ROUTE = /^(?:(?:unicast|blackhole|unreachable|prohibit|throw) )?([0-9.]+(?:\/[0-9]+)?) /;

type Asked = Pick<World, "run" | "clock" | "say" | "nodes"> & { env: Record<string, string> };

export class NodeNetworks implements Networks {
  private readonly known = new Map<number, { at: number; networks: string[] }>();

  constructor(
    private readonly makeWorld: () => Asked,
    private readonly open: OpenClusters,
  ) {}

  async networksOf(ranks: readonly number[]): Promise<Map<number, string[]>> {
    const { clock, nodes } = this.makeWorld();
    const isOld = (rank: number) => (this.known.get(rank)?.at ?? 0) < clock.now() - OLD_S;
    for (const rank of this.known.keys()) if (nodes.isLost(rank)) this.known.delete(rank);
    const unknown = ranks.filter((rank) => isOld(rank) && !nodes.isLost(rank));
    if (unknown.length > 0) await this.ask(unknown);
    return new Map(
      ranks.flatMap((rank) => {
        const networks = this.known.get(rank)?.networks ?? [];
        return networks.length > 0 ? [[rank, networks] as const] : [];
      }),
    );
  }

  private async ask(ranks: number[]): Promise<void> {
    const { run, clock, say, env } = this.makeWorld();
    const command = { argv: ["sh", "-c", SCRIPT], env, timeoutMs: DEADLINE_MS };
    const asked = { ...fluxExec(ranks, command), outputMax: OUTPUT_MAX_FLUX };
    const { stdout, timedOut } = await run({ ...asked, timeoutMs: DEADLINE_MS });
    if (timedOut)
      say("debug", `ranks ${encodeIdset(ranks)}: some did not report their networks in time`);
    const found = new Map(ranks.map((rank) => [rank, new Set<string>()]));
    for (const line of stdout.split("\n")) {
      const [, rank, text = ""] = /^([0-9]+): (.*)$/.exec(line) ?? [];
      const network = (ADDRESS.exec(text) ?? ROUTE.exec(text))?.[1];
      if (network !== undefined) found.get(Number(rank))?.add(network);
    }
    for (const [rank, networks] of found) {
      const others = [...networks].filter((network) => !this.isOurs(rank, network));
      this.known.set(rank, { at: clock.now(), networks: others });
    }
  }

  /** Whether the network belongs to an open cluster on this rank. */
  private isOurs(rank: number, network: string): boolean {
    const block = blockOfNetwork(WHOLE, network);
    return this.open.all().some(({ claim }) => {
      const place = decodeIdset(claim.ranks).indexOf(rank);
      const ownBlock =
        place < 0 ? undefined : blockOfNetwork(WHOLE, following(claim.subnet, place));
      return ownBlock !== undefined && block?.first === ownBlock.first && block.count === 1;
    });
  }
}
