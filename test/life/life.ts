/** Plays the same life on the embedded Flux, always, and on a real one where there is one. */
import t from "tap";
import { whyNoRealFlux } from "../hosts/real-flux.js";
import { LifeFlux, type Place } from "./flux.js";
import { embeddedPlace, realPlace, type Table } from "./places.js";

export type Tap = typeof t;

export function life(body: (t: Tap, flux: LifeFlux) => Promise<void>, table: Table = ""): void {
  const play = (open: (table: Table) => Promise<Place>) => async (test: unknown) => {
    const tap = test as Tap;
    const flux = new LifeFlux(await open(table));
    flux.hurry();
    tap.teardown(() => flux.close());
    await body(tap, flux);
  };
  t.test("on the embedded Flux", play(embeddedPlace));
  t.test("on a real Flux", { skip: whyNoRealFlux() ?? false }, play(realPlace));
}
