/** The place of a measurement: a Flux with some ranks, a real one if there is one. */
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
  /** Plays the nodes of an embedded Flux. */
  launcher?: Launcher;
}

/** Opens a place, lets `act` measure in it, and closes it in any case. */
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
 * More cores than this machine has, so that many jobs get resources at once. The embedded Flux has
 * two for each rank in any case.
 */
export const manyCores = (size: number): string =>
  `[resource]\nnoverify = true\n[[resource.config]]\nhosts = "node[0-${size - 1}]"\ncores = "0-63"\n`;

/** No step takes time. */
export function noTime(flux: LifeFlux): void {
  for (const target of TARGETS) flux.takes(target, 0);
}

const TARGETS = [
  ...["up", "kubeadm-init", "kubeconfig", "join-command", "kubeadm-join"],
  ...["sync-external-ip", "install-flannel", "ready", "down-v"],
];

/** The time of an event, in seconds since the epoch. */
export function at(events: Entry[], name: string): number {
  return events.find((event) => event.name === name)?.timestamp ?? NaN;
}
