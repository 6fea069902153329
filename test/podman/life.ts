/**
 * Runs the same tests with real containers on the embedded Flux and, if one is installed, on a real
 * Flux. If podman cannot run containers, the tests are skipped with the reason.
 */
import { until } from "../hosts/until.js";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import type { Result } from "../hosts/run-command.js";
import { whyNoRealFlux } from "../hosts/real-flux.js";
import { LifeFlux } from "../life/flux.js";
import type { Tap } from "../life/life.js";
import { NETWORKS, whyNoPodman } from "./engine.js";
import { openMachine, TEMPLATE, type Options, type PodmanPlace } from "./places.js";

/** The remains of an interrupted image build, which name no cluster (docs/admin/engines.md). */
const CUT_OFF = /-working-container Storage$/;

/** A Flux whose nodes have real containers. */
export class PodmanFlux extends LifeFlux {
  constructor(override readonly place: PodmanPlace) {
    super(place);
  }

  readonly templatePath = TEMPLATE;

  get ranks(): number[] {
    return Array.from({ length: this.place.size }, (_, rank) => rank);
  }

  /**
   * Replaces the template's recipes of these targets. All other targets have their own recipes.
   */
  instead(recipes: Record<string, string>): void {
    const text = Object.entries(recipes).map(([target, lines]) => `${target}:\n\t${lines}\n`);
    writeFileSync(join(this.place.testbed, "instead.mk"), text.join(""));
  }

  /** Makes a host's podman hang if its arguments contain these words. Undefined ends the fault. */
  hangs(rank: number, words: string | undefined): void {
    const what = words === undefined ? undefined : `${words}\nhang`;
    this.fault(`node${rank}.podman`, what);
  }

  podman(rank: number, ...args: string[]): Promise<Result> {
    return this.place.hosts.podman(rank, ...args);
  }

  /** Waits longer than other tests: real engines are slow on a busy machine. */
  started = (job: string): Promise<void> => this.waitFor(job, "start", "100s");
  ended = (job: string): Promise<void> => this.waitForEnd(job, "100s");

  /** The outcome and note of the cluster's settle event. */
  async settled(job: string): Promise<Record<string, unknown>> {
    return (await this.record(job)).find(({ name }) => name === "settle")?.context ?? {};
  }

  /** The lines of output of a host's podman. Rejects if the command fails. */
  async lists(rank: number, ...args: string[]): Promise<string[]> {
    const { stdout, stderr, exitCode } = await this.place.hosts.podman(rank, ...args);
    if (exitCode !== 0) throw new Error(`podman ${args.join(" ")}: ${stderr}`);
    return stdout.split("\n").filter(Boolean);
  }

  /**
   * All resources of each host's podman except the tests' own image, and all bridges of the hosts.
   * A leftover bridge may be missing from podman's lists.
   */
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
            .filter((line) => !line.endsWith(" true") && !CUT_OFF.test(line))
            .map((line) => `node${rank} ${kind} ${line}`),
        );
        const bridges = await this.place.hosts.bridges(rank);
        return [
          ...(await Promise.all(of)).flat(),
          ...bridges.map((name) => `node${rank} bridge ${name}`),
        ];
      }),
    );
    return found.flat();
  }

  /** Waits until a host's podman has a cluster's network, just before its containers start. */
  async starting(rank: number): Promise<void> {
    const directory = join(this.place.hosts.root(rank), NETWORKS);
    const networks = () => (existsSync(directory) ? readdirSync(directory) : []);
    await until("a network", () => networks().some((name) => /^usernetes.*\.json$/.test(name)));
  }

  /** The conmon processes of these hosts, which watch a container or are about to start one. */
  processes(): string[] {
    const commands = readdirSync("/proc").map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
      } catch {
        return "";
      }
    });
    const ours = (line: string) => /^\S*conmon /.test(line) && line.includes(this.place.store);
    return commands.filter(ours).map((line) => `process conmon of ${/ -n (\S+)/.exec(line)?.[1]}`);
  }

  /** Checks disks and the KVS like all life tests, and also the lists of the real engines. */
  override async leftovers(): Promise<string[]> {
    return [...(await this.engines()), ...this.processes(), ...(await super.leftovers())];
  }
}

export async function podmanLife(
  { table = "", size = 4 }: Partial<Options>,
  body: (t: Tap, flux: PodmanFlux) => Promise<void>,
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
  const play = (open: (options: Options) => Promise<PodmanPlace>) => async (test: unknown) => {
    const tap = test as Tap;
    const flux = new PodmanFlux(await open({ table, size }));
    tap.teardown(() => flux.close());
    await body(tap, flux);
  };
  const skip = whyNoRealFlux() ?? false;
  await t.test("these tests run on the embedded Flux with podman", play(machine.embedded));
  await t.test("these tests run on a real Flux with podman", { skip }, play(machine.real));
}
