/** Opens the Flux instance for a measurement, a real one if Flux is installed. */
import { whyNoRealFlux } from "../hosts/real-flux.js";
import { LifeFlux, type Entry } from "../life/flux.js";
import { embeddedPlace, realPlace } from "../life/places.js";
import type { Launcher } from "../sandbox/process.js";

export interface Wanted {
  size?: number;
  /** Lines of the [usernetes] table. */
  table?: string;
  /** More tables of the broker's configuration. */
  tables?: string;
  embedded?: boolean;
  /** Simulates the processes on the nodes of an embedded Flux. */
  launcher?: Launcher;
}

/** Opens a Flux instance, lets `act` measure in it, and closes it even if `act` fails. */
export async function inFlux<T>(wanted: Wanted, act: (flux: LifeFlux) => Promise<T>): Promise<T> {
  const { size = 4, table = "", tables = "", embedded = isEmbedded(), launcher } = wanted;
  const more = `${table}\n${tables}`;
  const place = await (embedded
    ? embeddedPlace(more, { size, launcher })
    : realPlace(more, { size }));
  const flux = new LifeFlux(place);
  try {
    return await act(flux);
  } finally {
    await flux.close();
  }
}

export const isEmbedded = (): boolean => whyNoRealFlux() !== undefined;

/**
 * Returns a configuration with more cores than this machine has, so that many jobs get resources at
 * the same time. The embedded Flux always has two cores for each rank.
 */
export const manyCores = (size: number): string =>
  `[resource]\nnoverify = true\n[[resource.config]]\nhosts = "node[0-${size - 1}]"\ncores = "0-63"\n`;

/** Sets the simulated duration of every step to 0 s. */
export function noTime(flux: LifeFlux): void {
  for (const target of TARGETS) flux.takes(target, 0);
}

const TARGETS = [
  ...["up", "kubeadm-init", "kubeconfig", "join-command", "kubeadm-join"],
  ...["sync-external-ip", "install-flannel", "ready", "down-v"],
];

/** Returns the time of an event in seconds since the epoch, or NaN without such an event. */
export function at(events: Entry[], name: string): number {
  return events.find((event) => event.name === name)?.timestamp ?? NaN;
}
