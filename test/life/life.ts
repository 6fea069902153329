/** Runs the same tests on the embedded Flux and, if one is installed, on a real Flux. */
import t from "tap";
import { whyNoLua } from "../sandbox/lua.js";
import { whyNoRealFlux } from "../hosts/real-flux.js";
import { LifeFlux, type Place } from "./flux.js";
import { embeddedPlace, realPlace, type Table } from "./places.js";
import { quickTable } from "./quick-table.js";

export type Tap = typeof t;

/**
 * `pace` sets the speed of the embedded Flux: 1 is as slow as an idle Flux, and 0 is as fast as
 * possible. With `apart`, killed brokers of the real Flux can come back. With `quick`, the
 * clusters do not wait for their network and DNS (quick-table.ts). `size`
 * is the number of ranks.
 */
export function life(
  body: (t: Tap, flux: LifeFlux) => Promise<void>,
  table: Table = "",
  { pace = 1, apart = false, quick = true, size = 4 } = {},
): void {
  const lines = quick ? quickTable(table) : table;
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
    play(() => embeddedPlace(lines, { pace, size })),
  );
  t.test(
    "these tests run on a real Flux",
    { skip: whyNoRealFlux() ?? false },
    play(() => realPlace(lines, { apart, size })),
  );
}
