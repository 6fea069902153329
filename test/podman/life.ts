/**
 * Plays the same life with real containers on the embedded Flux and, where there is
 * one, on a real Flux. Skipped, with the reason, where podman runs nothing.
 */
import t from "tap";
import { whyNoRealFlux } from "../hosts/real-flux.js";
import { LifeFlux } from "../life/flux.js";
import type { Tap } from "../life/life.js";
import { whyNoPodman } from "./engine.js";
import { openMachine, SIZE, type PodmanPlace } from "./places.js";

/** A Flux whose nodes have real containers. */
export class PodmanFlux extends LifeFlux {
  constructor(override readonly place: PodmanPlace) {
    super(place);
  }

  get ranks(): number[] {
    return Array.from({ length: SIZE }, (_, rank) => rank);
  }

  /** Lines of what a host's podman lists. */
  async lists(rank: number, ...args: string[]): Promise<string[]> {
    const { stdout, stderr, exitCode } = await this.place.hosts.podman(rank, ...args);
    if (exitCode !== 0) throw new Error(`podman ${args.join(" ")}: ${stderr}`);
    return stdout.split("\n").filter(Boolean);
  }

  /** What each podman has, but for the image that the tests bring, as the engine tells it. */
  async engines(): Promise<string[]> {
    const kinds = {
      container: ["ps", "-a", "--external", "--format", "{{.Names}} {{.Status}}"],
      network: ["network", "ls", "-q", "--filter", "name=usernetes"],
      volume: ["volume", "ls", "-q"],
      image: ["image", "ls", "-a", "--format", "{{.Repository}}:{{.Tag}} {{.ReadOnly}}"],
    };
    const found = await Promise.all(
      this.ranks.map(async (rank) => {
        const of = Object.entries(kinds).map(async ([kind, args]) =>
          (await this.lists(rank, ...args))
            .filter((line) => !line.endsWith(" true"))
            .map((line) => `node${rank} ${kind} ${line}`),
        );
        return (await Promise.all(of)).flat();
      }),
    );
    return found.flat();
  }

  /** Disks and the KVS by the usual means, and the engines by asking them. */
  override async leftovers(): Promise<string[]> {
    return [...(await this.engines()), ...(await super.leftovers())];
  }
}

export async function podmanLife(
  body: (t: Tap, flux: PodmanFlux) => Promise<void>,
  table = "",
): Promise<void> {
  const why = whyNoPodman();
  if (why !== undefined) {
    t.pass("skipped", { skip: why });
    return;
  }
  const machine = await openMachine().catch((error: unknown) => String(error));
  if (typeof machine === "string") {
    t.pass("skipped", { skip: machine });
    return;
  }
  t.teardown(machine.close);
  const play = (open: (more: string) => Promise<PodmanPlace>) => async (test: unknown) => {
    const tap = test as Tap;
    const flux = new PodmanFlux(await open(table));
    tap.teardown(() => flux.close());
    await body(tap, flux);
  };
  const skip = whyNoRealFlux() ?? false;
  await t.test("on the embedded Flux, with podman", play(machine.embedded));
  await t.test("on a real Flux, with podman", { skip }, play(machine.real));
}
