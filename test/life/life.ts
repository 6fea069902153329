/** Runs the same tests on the embedded Flux and, if one is installed, on a real Flux. */
import t from "tap";
import { whyNoLua } from "../sandbox/lua.js";
import { whyNoRealFlux } from "../hosts/real-flux.js";
import { LifeFlux, type Place } from "./flux.js";
import { embeddedPlace, realPlace, type Table } from "./places.js";

export type Tap = typeof t;

/**
 * `pace` sets the speed of the embedded Flux: 1 is as slow as an idle Flux, and 0 is as fast as
 * possible. With `apart`, killed brokers of the real Flux can come back.
 */
export function life(
  body: (t: Tap, flux: LifeFlux) => Promise<void>,
  table: Table = "",
  { pace = 1, apart = false } = {},
): void {
  const play = (open: () => Promise<Place>) => async (test: unknown) => {
    const tap = test as Tap;
    const flux = new LifeFlux(await open());
    flux.hurry();
    tap.teardown(() => flux.close());
    await body(tap, flux);
  };
  t.test(
    "these tests run on the embedded Flux",
    { skip: whyNoLua() ?? false },
    play(() => embeddedPlace(table, { pace })),
  );
  t.test(
    "these tests run on a real Flux",
    { skip: whyNoRealFlux() ?? false },
    play(() => realPlace(table, { apart })),
  );
}
